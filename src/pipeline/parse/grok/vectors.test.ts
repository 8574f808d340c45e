// The recorded verdicts of Logstash's real filter: 566 upstream cases and 7,846 computed ones.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileGrok } from './grok.ts'
import type { Grok } from './grok.ts'
import type { Engine } from './matcher.ts'
import { patternSet } from './patterns/index.ts'

const folder = new URL('../../../../../shared/vectors/', import.meta.url)
const present = existsSync(folder)
const skip = present || process.env['CI'] === 'true' ? false : 'the folder shared is not beside the project'

interface Options {
  break_on_match?: boolean
  named_captures_only?: boolean
  keep_empty_captures?: boolean
  overwrite?: string[]
  target?: string
  tag_on_failure?: string | string[]
  pattern_definitions?: Record<string, string>
  patternFiles?: { content: string }[]
  add_tag?: string | string[]
}

interface Case {
  id: string
  patternSet: 'legacy' | 'ecs-v1'
  match: Record<string, string[]>
  options?: Options
  event: Record<string, unknown>
  matched: boolean
  result: Record<string, unknown>
  metadata?: Record<string, unknown>
}

/** A float without a fraction has no form of its own in JavaScript, so its text as written stands for it. */
function read(name: string): Case[] {
  const keepFloats = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && context?.source?.endsWith('.0') === true ? context.source : value
  return (JSON.parse(readFileSync(new URL(name, folder), 'utf8'), keepFloats) as { cases: Case[] }).cases
}

const list = (value: string | string[] | undefined): string[] | undefined =>
  typeof value === 'string' ? [value] : value

const sets = { legacy: patternSet('legacy'), 'ecs-v1': patternSet('ecs-v1') }
const compiled = new Map<string, Grok>()

function grokOf(c: Case, engine: Engine | undefined): Grok {
  const key = JSON.stringify([c.patternSet, c.match, c.options, engine])
  let grok = compiled.get(key)
  if (grok !== undefined) return grok
  const o = c.options ?? {}
  grok = compileGrok({
    match: c.match,
    patterns: sets[c.patternSet],
    patternFiles: o.patternFiles?.map(file => file.content),
    pattern_definitions: o.pattern_definitions,
    break_on_match: o.break_on_match,
    named_captures_only: o.named_captures_only,
    keep_empty_captures: o.keep_empty_captures,
    overwrite: o.overwrite,
    target: o.target,
    tag_on_failure: list(o.tag_on_failure),
    engine
  })
  compiled.set(key, grok)
  return grok
}

/** The event after the filter, with what the recorder left out of it; `floats` as the recorder's JSON has them. */
function run(c: Case, engine: Engine | undefined): Record<string, unknown> {
  const event = structuredClone(c.event)
  const matched = grokOf(c, engine).apply(event)
  if (matched && c.options?.add_tag !== undefined) event['tags'] = list(c.options.add_tag)
  const { '@metadata': metadata, ...result } = event
  // The recorder told a miss by its tag.
  const told = matched || c.options?.tag_on_failure?.length === 0
  return { matched: told, result, ...(metadata === undefined ? {} : { metadata }) }
}

function judge(cases: readonly Case[], engine?: Engine): void {
  const wrong: string[] = []
  for (const c of cases) {
    const expected = {
      matched: c.matched,
      result: c.result,
      ...(c.metadata === undefined ? {} : { metadata: c.metadata })
    }
    try {
      assert.deepEqual(numbers(run(c, engine)), numbers(expected))
    } catch (error) {
      wrong.push(`${c.id} ${JSON.stringify(c.match)}: ${(error as Error).message.slice(0, 1500)}`)
    }
  }
  assert.deepEqual(wrong.slice(0, 8), [], `${wrong.length} of ${cases.length} differ`)
}

/** Floats that the recorder wrote with a zero fraction come back from `read` as texts. */
function numbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, v: unknown) =>
    typeof v === 'string' && /^-?\d+\.0$/.test(v) ? Number(v) : v
  )
}

test('every upstream case has exactly the result of the real filter', { skip }, () => {
  judge(read('grok-cases.json'))
})

test('every computed case has exactly the result of the real filter', { skip }, () => {
  judge(read('grok-oracle-extra.json'))
})

test('the other engine alone has the same results', { skip }, () => {
  judge(read('grok-cases.json'), 'oniguruma')
  judge(read('grok-oracle-extra.json'), 'oniguruma')
})
