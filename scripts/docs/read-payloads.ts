import { readFileSync } from 'node:fs'
import { parseSync } from 'rolldown/utils'

/** A field of an event's payload, as its type says. */
export interface PayloadField {
  readonly name: string
  readonly type: string
  /** Its doc comment, empty where it has none. */
  readonly doc: string
}

const source = new URL('../../src/instrumentation/events.ts', import.meta.url)
const interfaceName = 'EventDetails'

/** The payload of each event, read from the source: types are gone at run time. @throws Error when it is not where it was */
export function readPayloads(): ReadonlyMap<string, readonly PayloadField[]> {
  const text = readFileSync(source, 'utf8')
  const { program, comments } = parseSync('events.ts', text)
  const details = program.body
    .map((node) => (node.type === 'ExportNamedDeclaration' && node.declaration !== null ? node.declaration : node))
    .find((node) => node.type === 'TSInterfaceDeclaration' && node.id.name === interfaceName)
  if (details?.type !== 'TSInterfaceDeclaration') throw new Error(`events.ts has no interface ${interfaceName}`)

  const docBetween = (start: number, end: number): string =>
    comments
      .filter((comment) => comment.start >= start && comment.end <= end)
      .map(({ value }) => value.replace(/^\*|\n\s*\*/g, ' ').trim())
      .join(' ')
  return new Map(
    details.body.body.map((event) => {
      const payload = event.type === 'TSPropertySignature' ? event.typeAnnotation?.typeAnnotation : undefined
      if (event.type !== 'TSPropertySignature' || event.key.type !== 'Literal' || payload?.type !== 'TSTypeLiteral')
        throw new Error(`${interfaceName} may hold only events with an object of fields each`)
      const name = String(event.key.value)
      let previousEnd = payload.start
      const fields = payload.members.map((member): PayloadField => {
        if (member.type !== 'TSPropertySignature' || member.key.type !== 'Identifier' || !member.typeAnnotation)
          throw new Error(`the payload of ${name} has a member that is no field`)
        const { start, end } = member.typeAnnotation.typeAnnotation
        const doc = docBetween(previousEnd, member.start)
        previousEnd = member.end
        return { name: member.key.name, type: text.slice(start, end), doc }
      })
      return [name, fields] as const
    }),
  )
}
