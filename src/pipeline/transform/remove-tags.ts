// `remove_tags`: takes tags off the record.
import { defineValueStep } from '../../core/component.ts'
import { oneOrMore, string } from '../../core/field.ts'

export const removeTags = defineValueStep({
  name: 'remove_tags',
  summary: 'Takes tags off the record.',
  description: 'A record without tags has no field `tags`. A failure stays counted although its tag is gone.',
  value: oneOrMore(string('A tag.'), 'Tags to remove.', { example: ['_grokparsefailure'] }),
  examples: [{ title: 'A failure that is expected', yaml: 'remove_tags: _grokparsefailure\n' }],
  build(names) {
    const unwanted = new Set<unknown>(names)
    return {
      writes: ['tags'],
      run: event => {
        const tags = event['tags']
        if (Array.isArray(tags) && tags.some(t => unwanted.has(t))) {
          const left = tags.filter(t => !unwanted.has(t))
          event['tags'] = left.length > 0 ? left : undefined
        } else if (unwanted.has(tags)) event['tags'] = undefined
        return true
      }
    }
  }
})
