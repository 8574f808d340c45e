// For tests: what must hold at the end of a script, whatever it was: each record once for every output, at its place in its
// file, and whatever could not be read counted and told.
import assert from 'node:assert/strict'
import { complete, endOf, quoted, show } from './model.ts'
import type { Content, Line, Loss, Model } from './model.ts'

/** Fails with what does not hold. */
export function verdict(model: Model): void {
  model.observe()
  model.rig.ordered()
  const streams = streamsOf(model)
  checkIdentities(model)
  checkReceived(model)
  checkLosses(model, streams)
}

/** The contents that the records of a stream can be of: exactly those that hold all of them at their offsets. */
function streamsOf(model: Model): Map<string, Content[]> {
  const holders = new Map<Line, Content[]>()
  for (const c of model.contents) for (const l of c.lines) holders.set(l, [...(holders.get(l) ?? []), c])
  const streams = new Map<string, Content[]>()
  for (const got of model.rig.got) {
    const line = model.lineOf(got)
    if (line === undefined) continue
    const known = streams.get(got.id)
    const both = holders.get(line)!.filter(c => known?.includes(c) !== false)
    // A file that was shortened below what was read in vain goes on as the same stream.
    const all = both.length > 0 ? both : known?.some(c => related(c, line, holders)) ? known : []
    assert.ok(all.length > 0, `${show(got)} is of another file than what was read of its stream before`)
    streams.set(got.id, all)
  }
  for (const got of model.rig.got) {
    const contents = streams.get(got.id)
    if (contents === undefined || model.lineOf(got) !== undefined) continue
    const there = contents.some(c => c.lines.some(l => l.offset === got.offset && l.text === got.text))
    assert.ok(there, `${show(got)} is not in its file`)
  }
  return streams
}

function related(content: Content, line: Line, holders: Map<Line, Content[]>): boolean {
  return holders.get(line)!.some(c => c.lines[0] === content.lines[0])
}

function checkIdentities(model: Model): void {
  const ids = new Map<Line, Set<string>>()
  for (const got of model.rig.got) {
    const line = model.lineOf(got)
    if (line !== undefined) ids.set(line, (ids.get(line) ?? new Set()).add(got.id))
  }
  for (const [line, { size }] of ids) assert.ok(size <= 1 + line.survived, `${quoted(line)} was read ${size} times`)
}

function checkReceived(model: Model): void {
  for (const content of model.contents) {
    for (const line of content.lines) {
      if (!line.unique || line.excused || !complete(line)) continue
      for (const output of model.rig.outputs) {
        assert.ok(line.received.has(output), `${quoted(line)} of ${content.family} was lost for ${output}`)
      }
    }
  }
}

function checkLosses(model: Model, streams: Map<string, Content[]>): void {
  const counted = Object.values(model.rig.lost).reduce((sum, n) => sum + n, 0)
  const told = model.losses.reduce((sum, l) => sum + l.bytes, 0)
  assert.equal(counted, told, 'what is counted as lost is what is told')
  const of = (loss: Loss): Content[] =>
    streams.get(loss.id)?.flatMap(withParents) ?? model.contents.filter(c => loss.path.includes(c.family))
  for (const loss of model.losses) {
    assert.ok(
      of(loss).some(c => fits(c, loss)),
      `${JSON.stringify(loss)} was told as lost, but was not`
    )
  }
  for (const content of model.contents) {
    for (const line of content.lines) {
      if (!line.unique || !line.excused || line.received.size === model.rig.outputs.length) continue
      if (line.unseen || endOf(line) > (content.known?.min ?? 0)) continue
      const told = model.losses.some(
        l => l.from <= line.offset && l.from + l.bytes >= endOf(line) && of(l).includes(content)
      )
      assert.ok(told, `${quoted(line)} of ${content.family} is gone and nobody was told`)
    }
  }
}

function withParents(content: Content): Content[] {
  return [content, ...(content.parent === undefined ? [] : withParents(content.parent))]
}

/** True when these bytes of the content are gone and were not durably taken over before. */
function fits(content: Content, { from, bytes, bases }: Loss): boolean {
  const { lines, most } = content
  const end = from + bytes
  if (from < (bases.get(content) ?? 0) || end > most) return false
  return lines.every(l => endOf(l) <= from || l.offset >= end || l.gone || l.survived > 0 || !complete(l))
}
