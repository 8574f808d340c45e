// `gsub`: replaces what a regular expression matches in a field.
import { defineValueStep } from '../../core/component.ts'
import type { BuiltStep } from '../../core/component.ts'
import { fieldRef, list, object, regex, text } from '../../core/field.ts'
import { eachText } from './each-text.ts'
import { replacement } from './replacement.ts'

export const gsub = defineValueStep({
  name: 'gsub',
  summary: 'Replaces every match of a regular expression in the text of a field.',
  description: `In the replacement \`\\1\` or \`$1\` is the first group of the expression, \`$<name>\` a named one, \`\\0\` or \`$&\` the whole
match, \`$$\` a dollar. The replacements are done in order.`,
  value: list(
    object(
      {
        field: fieldRef('Field whose text (or list of texts) is changed.'),
        pattern: regex('What is replaced, wherever it matches.', { flags: 'g' }),
        replacement: text('What stands there instead; nothing by default.', { default: '' })
      },
      'A replacement.'
    ),
    'The replacements, done in order.',
    { min: 1, example: [{ field: 'request', pattern: '\\?.*', replacement: '' }] }
  ),
  examples: [
    {
      title: 'Numbers in a path are one path',
      yaml: "gsub:\n  - { field: request, pattern: '/\\d+', replacement: '/:id' }\n  - { field: agent, pattern: '^\"(.*)\"$', replacement: '\\1' }\n"
    }
  ],
  build(replacements) {
    const steps: BuiltStep[] = replacements.map(({ field, pattern, replacement: by }) => {
      const written = replacement(by)
      return eachText([field], value => value.replace(pattern, written))
    })
    return {
      writes: steps.flatMap(s => s.writes),
      run: (event, cursor) => {
        for (let i = 0; i < steps.length; i++) steps[i]!.run(event, cursor)
        return true
      }
    }
  }
})
