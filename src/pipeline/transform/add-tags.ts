// `add_tags`: adds to the `tags` of the record.
import { defineValueStep } from '../../core/component.ts'
import { addTag } from '../../core/event.ts'
import { oneOrMore, string } from '../../core/field.ts'

export const addTags = defineValueStep({
  name: 'add_tags',
  summary: 'Adds tags to the record, each once.',
  value: oneOrMore(string('A tag.'), 'Tags to add.', { example: ['web'] }),
  examples: [{ title: 'Two tags', yaml: 'add_tags: [web, frontend]\n' }],
  build: tags => ({
    writes: ['tags'],
    run: event => {
      for (let i = 0; i < tags.length; i++) addTag(event, tags[i]!)
      return true
    }
  })
})
