// Each rule takes the sources and returns one sentence per violation: the file, what is wrong, what to do.

import { matchesGlob, posix } from 'node:path'
import { COMPUTED, type SourceFile, type SourceTree } from './source-tree.ts'

/** What the files of a folder may import: folders, single files, and folders of which types only. */
export interface Layer {
  readonly folders?: readonly string[]
  readonly files?: readonly string[]
  readonly typesOf?: readonly string[]
  /** Stands at the top: imports anything, is imported only by others at the top and by entry files. */
  readonly top?: true
}

export interface Vendor {
  /** The one file, below src/, that may import the package; its types as well. */
  readonly owner: string
  /** Native or heavy: loaded with import() on first use, never when the module loads. */
  readonly lazy: boolean
}

const FORBIDDEN_NAMES = new Set(['utils', 'util', 'common', 'helpers', 'helper', 'types', 'misc', 'index'])
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/

export function importTable(tree: SourceTree, layers: Readonly<Record<string, Layer>>): string[] {
  const violations: string[] = []
  for (const file of tree.values()) {
    const from = layerOf(file)
    if (from === ENTRY) continue
    const layer = layers[from]
    if (!layer) {
      violations.push(
        `${file.path}: ${from} is in no row of the import table; put the file in a known folder or add a row`,
      )
      continue
    }
    for (const { target, kind } of file.imports) {
      const imported = target === undefined ? undefined : tree.get(target)
      if (!imported) continue
      const to = layerOf(imported)
      if (to === from || layer.top || layer.folders?.includes(to) || layer.files?.includes(imported.path)) continue
      if (layer.typesOf?.includes(to)) {
        if (kind === 'type') continue
        violations.push(
          `${file.path}: ${from} may take only types from ${to}; write \`import type\` for ${imported.path}`,
        )
      } else if (to === ENTRY) {
        violations.push(`${file.path}: imports the entry file ${imported.path}; import the file that defines the name`)
      } else {
        violations.push(
          `${file.path}: ${from} may not import ${to} (${imported.path}); move the code, or pass it in from above`,
        )
      }
    }
  }
  return violations
}

export function entriesReExport(tree: SourceTree): string[] {
  return [...tree.values()]
    .filter((file) => layerOf(file) === ENTRY && !file.isEntry)
    .map((file) => `${file.path}: a file directly in src/ may only re-export; move its code to a folder`)
}

export function relativeImports(tree: SourceTree): string[] {
  return [...tree.values()].flatMap((file) =>
    file.imports.flatMap(({ specifier, target }) => {
      if (target === undefined || tree.has(target)) return []
      return target.startsWith('..')
        ? [`${file.path}: ${specifier} leaves src/, which is all that gets published; move what is needed into src/`]
        : [`${file.path}: ${specifier} is no source file; write the path with its .ts ending`]
    }),
  )
}

export function noCycles(tree: SourceTree): string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const trail: string[] = []
  const walk = (path: string): void => {
    if (trail.includes(path)) {
      const cycle = [...trail.slice(trail.indexOf(path)), path].join(' -> ')
      cycles.push(`${path}: import cycle ${cycle}; move what both need into a file below them`)
      return
    }
    if (done.has(path)) return
    trail.push(path)
    for (const { target } of tree.get(path)?.imports ?? []) if (target !== undefined && tree.has(target)) walk(target)
    trail.pop()
    done.add(path)
  }
  for (const path of tree.keys()) walk(path)
  return cycles
}

/** @param computed path below src/ -> what it imports by a name known only at run time */
export function vendorsInOnePlace(
  tree: SourceTree,
  vendors: Readonly<Record<string, Vendor>>,
  computed: Readonly<Record<string, string>>,
): string[] {
  const violations: string[] = []
  for (const file of tree.values()) {
    for (const { specifier, kind, target } of file.imports) {
      if (target !== undefined || specifier.startsWith('node:')) continue
      if (specifier === COMPUTED) {
        if (computed[file.path] === undefined) {
          violations.push(
            `${file.path}: imports what a run-time value names; name it by a literal or a const of the file`,
          )
        }
        continue
      }
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      const vendor = vendors[name]
      if (!vendor) {
        violations.push(`${file.path}: ${name} is in no row of the vendor table; add it with the file that owns it`)
      } else if (!matchesGlob(file.path, vendor.owner)) {
        violations.push(`${file.path}: imports ${name}, which only ${vendor.owner} may; go through that file`)
      } else if (vendor.lazy && kind === 'static') {
        violations.push(
          `${file.path}: loads ${name} at import time; use import() on first use, and \`import type\` for types`,
        )
      }
    }
  }
  return violations
}

/** @param exceptions path below src/ -> why it has no twin */
export function twinTests(
  tree: SourceTree,
  tests: ReadonlySet<string>,
  exceptions: Readonly<Record<string, string>>,
): string[] {
  const missing = [...tree.values()]
    .filter((file) => file.hasRuntimeExports && !file.isEntry && exceptions[file.path] === undefined)
    .filter((file) => !tests.has(twinOf(file.path)))
    .map((file) => `${file.path}: has no test; write test/${twinOf(file.path)}, or an exception with its reason`)
  const needless = Object.keys(exceptions)
    .filter((path) => !tree.has(path) || tests.has(twinOf(path)))
    .map((path) => `${path}: needs no exception from the twin test rule any more; delete the row`)
  return [...missing, ...needless]
}

export function fileNames(tree: SourceTree): string[] {
  return [...tree.keys()].flatMap((path) => {
    const { dir, name } = posix.parse(path)
    const violations = [...dir.split('/').filter(Boolean), name]
      .filter((part) => !KEBAB_CASE.test(part))
      .map((part) => `${path}: ${part} is not kebab-case; rename it`)
    if (FORBIDDEN_NAMES.has(name) && path !== 'index.ts') {
      violations.push(`${path}: ${name} says nothing; name the file after its main export`)
    }
    return violations
  })
}

/** The section "## File map" of DESIGN.md: lines of `path  description` or `path | description`. */
export function fileMap(tree: SourceTree, design: string): string[] {
  const section = /^## File map$(.*?)(?=^## |$(?![^]))/ms.exec(design)?.[1]
  if (section === undefined) return ['DESIGN.md: has no section "## File map"; add it, one line a file of src/']
  const lines = section.matchAll(/^[|\s]*`?(?<path>[\w./-]+\.ts)`?(?: {2,}| *\| *)(?<description>\S.*)$/gm)
  const listed = new Set(Array.from(lines, (line) => line.groups?.['path'] ?? ''))
  return [
    ...[...tree.keys()]
      .filter((path) => !listed.has(path))
      .map((path) => `${path}: is not in the file map of DESIGN.md; add a line saying what it is for`),
    ...[...listed]
      .filter((path) => !tree.has(path))
      .map((path) => `DESIGN.md: the file map lists ${path}, which does not exist; delete the line`),
  ]
}

/** @param actual subpath -> names found at run time, undefined when there is no source for it */
export function publicExports(
  expected: Readonly<Record<string, readonly string[]>>,
  actual: Readonly<Record<string, readonly string[] | undefined>>,
): string[] {
  const violations: string[] = []
  for (const subpath of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const names = actual[subpath]
    const listed = expected[subpath] ?? []
    if (!names) {
      violations.push(`${subpath}: is listed or in package.json, but has no source file; remove it or add the file`)
      continue
    }
    for (const name of names) {
      if (!listed.includes(name)) {
        violations.push(
          `${subpath}: exports ${name}, which is not in the list; every public name is a promise: add it or hide it`,
        )
      }
    }
    for (const name of listed) {
      if (!names.includes(name)) violations.push(`${subpath}: no longer exports ${name}; that breaks its users`)
    }
  }
  return violations
}

// Put together from parts, so that this file does not speak of the paths it looks for.
const MACHINE_PATH = new RegExp(String.raw`(?<![\w.*/-])/(?:${['root', 'work', String.raw`home/\w+`].join('|')})(?=/)`)

export function noMachinePaths(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).flatMap(([path, text]) =>
    text.split('\n').flatMap((line, index) => {
      const found = MACHINE_PATH.exec(line)
      return found
        ? [`${path}:${index + 1}: names ${found[0]}, a path of one machine; write it relative to the project`]
        : []
    }),
  )
}

const ENTRY = 'an entry file'

/** The folder a file belongs to; messaging.ts is a layer of its own, any other file directly in src/ is an entry. */
function layerOf({ path }: SourceFile): string {
  const [first = '', ...rest] = path.split('/')
  if (rest.length > 0) return first
  return first === 'messaging.ts' ? first : ENTRY
}

function twinOf(path: string): string {
  return path.replace(/\.ts$/, '.test.ts')
}
