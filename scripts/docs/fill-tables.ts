const begin = /<!-- table (\S+), written by `npm run docs` -->\n/g

/**
 * The text of a page with each of its marked places filled anew; everything else stays as it is.
 * @throws Error when the page lacks the place of a table, or has one for a table that does not exist
 */
export function fillTables(page: string, text: string, tables: Readonly<Record<string, string>>): string {
  const places = Array.from(text.matchAll(begin), ([, name = '']) => name)
  const lost = Object.keys(tables).find((name) => !places.includes(name))
  if (lost !== undefined) throw new Error(`${page} has no place for the table ${lost}: ${marker(lost)}`)
  let filled = text
  for (const name of places) {
    const table = tables[name]
    if (table === undefined) throw new Error(`${page} has a place for the table ${name}, which does not exist`)
    const start = filled.indexOf(marker(name)) + marker(name).length
    const end = filled.indexOf(endMarker, start)
    if (end === -1) throw new Error(`${page}: the table ${name} has no end: ${endMarker}`)
    filled = `${filled.slice(0, start)}\n\n${table}\n\n${filled.slice(end)}`
  }
  return filled
}

const endMarker = '<!-- end of table -->'

function marker(name: string): string {
  return `<!-- table ${name}, written by \`npm run docs\` -->`
}
