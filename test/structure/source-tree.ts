// The sources as the rules see them: who imports what and how, and what a file exports.

import { readdirSync, readFileSync } from 'node:fs'
import { posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vitest/node'

export interface ImportEdge {
  /** As written. */
  readonly specifier: string
  /** `type` is gone at run time; note that `import { type A }` is not: it still loads the module. */
  readonly kind: 'static' | 'dynamic' | 'type'
  /** The imported file by its path below src/, `../…` when outside; undefined for a package. */
  readonly target: string | undefined
}

export interface SourceFile {
  /** Below src/, with forward slashes. */
  readonly path: string
  readonly imports: readonly ImportEdge[]
  readonly hasRuntimeExports: boolean
  /** Nothing but `export … from`. */
  readonly isEntry: boolean
}

/** Stands for what is imported where that is worked out at run time. */
export const COMPUTED = '<computed>'

export type SourceTree = ReadonlyMap<string, SourceFile>

interface AstNode {
  readonly type: string
  readonly [field: string]: unknown
}

export function readSourceTree(folder: URL): SourceTree {
  const root = fileURLToPath(folder)
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => `${entry.parentPath}${sep}${entry.name}`)
  return createSourceTree(
    Object.fromEntries(files.map((file) => [relative(root, file).replaceAll(sep, '/'), readFileSync(file, 'utf8')])),
  )
}

export function createSourceTree(texts: Readonly<Record<string, string>>): SourceTree {
  return new Map(Object.entries(texts).map(([path, text]) => [path, parseSource(path, text)]))
}

function parseSource(path: string, text: string): SourceFile {
  const body = nodes(parseAst(text, { lang: 'ts' }).body)
  const constants = textConstants(body)
  const imports: ImportEdge[] = []
  visit(body, (node) => {
    const kind = importKind(node)
    const source = node.type === 'CallExpression' ? nodes(node['arguments'])[0] : node['source']
    if (!kind || !isNode(source)) return
    const specifier = textOf(source, constants) ?? COMPUTED
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
    imports.push({ specifier, kind, target })
  })
  return {
    path,
    imports,
    hasRuntimeExports: body.some(exportsValue),
    isEntry: body.length > 0 && body.every((node) => isReExport(node) || node.type === 'EmptyStatement'),
  }
}

function importKind(node: AstNode): ImportEdge['kind'] | undefined {
  switch (node.type) {
    case 'ImportExpression':
      return 'dynamic'
    case 'CallExpression':
      return isNode(node['callee']) && node['callee']['name'] === 'require' ? 'dynamic' : undefined
    case 'TSImportType':
      return 'type'
    case 'ImportDeclaration':
      return node['importKind'] === 'type' ? 'type' : 'static'
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return node['exportKind'] === 'type' ? 'type' : 'static'
    default:
      return undefined
  }
}

/** The value of a literal, or of a name declared in the file as `const name = 'literal'`. */
function textOf(node: AstNode, constants: ReadonlyMap<unknown, string>): string | undefined {
  return typeof node['value'] === 'string' ? node['value'] : constants.get(node['name'])
}

function textConstants(body: readonly AstNode[]): Map<unknown, string> {
  const constants = new Map<unknown, string>()
  for (const declarator of body.flatMap((node) => nodes(node['declarations']))) {
    const { id, init } = declarator
    if (isNode(id) && isNode(init) && typeof init['value'] === 'string') constants.set(id['name'], init['value'])
  }
  return constants
}

function isReExport(node: AstNode): boolean {
  return node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && isNode(node['source']))
}

function exportsValue(node: AstNode): boolean {
  if (node.type === 'ExportDefaultDeclaration') return true
  if (node.type === 'ExportAllDeclaration') return node['exportKind'] !== 'type'
  if (node.type !== 'ExportNamedDeclaration' || node['exportKind'] === 'type') return false
  if (isNode(node['declaration'])) return node['declaration']['declare'] !== true
  return nodes(node['specifiers']).some((specifier) => specifier['exportKind'] !== 'type')
}

function visit(value: unknown, see: (node: AstNode) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see)
  } else if (isNode(value)) {
    see(value)
    for (const child of Object.values(value)) visit(child, see)
  }
}

function nodes(value: unknown): AstNode[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'type' in value
}
