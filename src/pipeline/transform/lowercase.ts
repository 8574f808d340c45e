// `lowercase`: the texts of fields in small letters.
import { defineValueStep } from '../../core/component.ts'
import { fieldRef, oneOrMore } from '../../core/field.ts'
import { eachText } from './each-text.ts'

export const lowercase = defineValueStep({
  name: 'lowercase',
  summary: 'Writes the texts of fields in small letters.',
  value: oneOrMore(fieldRef('A field.'), 'Fields whose texts are changed, lists text by text.', { example: ['host'] }),
  examples: [{ title: 'Two fields', yaml: 'lowercase: [level, verb]\n' }],
  build: fields => eachText(fields, text => text.toLowerCase())
})
