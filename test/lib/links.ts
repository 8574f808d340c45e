// Links of Markdown documents that lead to files.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** `document: target` of each relative link in the documents that match, below `root`, and leads nowhere. */
export function brokenLinks(root: string, patterns: readonly string[]): { looked: number; broken: string[] } {
  const found = globSync([...patterns], { cwd: root }).flatMap(document =>
    linksOf(readFileSync(join(root, document), 'utf8')).map(target => ({ document, target }))
  )
  const leads = ({ document, target }: (typeof found)[number]): boolean =>
    existsSync(join(root, dirname(document), decodeURIComponent(target)))
  return {
    looked: found.length,
    broken: found.filter(link => !leads(link)).map(({ document, target }) => `${document}: ${target}`)
  }
}

/** Targets of `[text](target)` that are no addresses, without their anchors. Code is not looked into. */
function linksOf(markdown: string): string[] {
  const text = markdown.replaceAll(/^ *(```|~~~)[^]*?^ *\1/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return Array.from(text.matchAll(/\]\(([^)\s]+)[^)]*\)/g), found => found[1]!.replace(/#.*/, '')).filter(
    target => target !== '' && !/^[a-z]+:/.test(target)
  )
}
