/** A table that reads well as text too: every column but the last is padded to its widest cell. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', String.raw`\|`)))
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)))
  const last = head.length - 1
  const draw = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column]!))).join(' | ')} |`
  const rule = head.map((_, column) => '-'.repeat(column === last ? 3 : widths[column]!))
  return [draw(lines[0]!), draw(rule), ...lines.slice(1).map(draw)].join('\n')
}
