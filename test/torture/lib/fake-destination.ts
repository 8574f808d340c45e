// The fake Elasticsearch as a place where lines arrive, and the options of an output that leads there.
import { startFakeElasticsearch } from '../../lib/fake-elasticsearch.ts'
import type { FakeElasticsearch } from '../../lib/fake-elasticsearch.ts'
import { takeDocument } from './destination.ts'
import type { Judge } from './judge.ts'
import type { Lane } from './lane.ts'
import { World } from './world.ts'
import type { Destination, WorldOptions } from './world.ts'

/** Reads what the fake has stored: a line under two identities counts as doubled. */
export function fakeDestination(fake: FakeElasticsearch, judge: Judge): Destination {
  let read = 0
  return {
    path: '',
    read() {
      const { docs, requests } = fake
      for (; read < docs.length; read++) {
        const { source } = docs[read]!
        // Checks and the agent itself send records as well.
        if ((source['log'] as { offset?: number } | undefined)?.offset !== undefined) takeDocument(judge, source, false)
      }
      // Bodies of millions of lines are not looked at again.
      for (const seen of requests) seen.body = ''
    }
  }
}

/** The `outputs` section for it: batches of a few hundred, so that a fault meets many. */
export const toElasticsearch = (url: string, more = ''): string =>
  `outputs:\n  es: { type: elasticsearch, hosts: ['${url}'], batch: { max_events: 500, timeout: 50ms }, backoff: { init: 50ms, max: 500ms }${more} }`

/** A world whose lines go to a fake of its own, which ends with the lane. */
export async function fakeWorld(
  lane: Lane,
  options: WorldOptions = {}
): Promise<{ world: World; fake: FakeElasticsearch }> {
  const fake = await startFakeElasticsearch()
  lane.t.after(() => fake.down())
  const outputs = toElasticsearch(fake.url)
  const agent = 'ship_own_errors: false'
  const world = new World(lane, { agent, outputs, destination: judge => fakeDestination(fake, judge), ...options })
  return { world, fake }
}
