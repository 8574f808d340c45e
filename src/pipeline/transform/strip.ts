// `strip`: the texts of fields without blanks around them.
import { defineValueStep } from '../../core/component.ts'
import { fieldRef, oneOrMore } from '../../core/field.ts'
import { eachText } from './each-text.ts'

export const strip = defineValueStep({
  name: 'strip',
  summary: 'Cuts the blanks off both ends of texts.',
  value: oneOrMore(fieldRef('A field.'), 'Fields whose texts are changed, lists text by text.', { example: ['level'] }),
  examples: [{ title: 'One field', yaml: 'strip: level\n' }],
  build: fields => eachText(fields, text => text.trim())
})
