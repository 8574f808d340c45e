// `uppercase`: the texts of fields in capital letters.
import { defineValueStep } from '../../core/component.ts'
import { fieldRef, oneOrMore } from '../../core/field.ts'
import { eachText } from './each-text.ts'

export const uppercase = defineValueStep({
  name: 'uppercase',
  summary: 'Writes the texts of fields in capital letters.',
  value: oneOrMore(fieldRef('A field.'), 'Fields whose texts are changed, lists text by text.', { example: ['level'] }),
  examples: [{ title: 'One field', yaml: 'uppercase: level\n' }],
  build: fields => eachText(fields, text => text.toUpperCase())
})
