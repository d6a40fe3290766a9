/** A bar on a terminal, plain lines elsewhere. */
export interface Progress {
  update(done: number, total: number | undefined): void
  end(): void
}

const barWidth = 30
const barIntervalMs = 100
const lineIntervalMs = 2000

export function createProgress(output: NodeJS.WriteStream = process.stdout): Progress {
  const interval = output.isTTY ? barIntervalMs : lineIntervalMs
  let shownAt = performance.now()
  return {
    update(done, total) {
      const now = performance.now()
      if (now - shownAt < interval) return
      shownAt = now
      const count =
        total === undefined
          ? done.toLocaleString('en')
          : `${done.toLocaleString('en')} of ${total.toLocaleString('en')}`
      if (!output.isTTY) output.write(`  ${count} verified\n`)
      else output.write(`\r\u001b[K  ${total === undefined ? '' : bar(done / total)} ${count} verified`)
    },
    end() {
      if (output.isTTY) output.write('\r\u001b[K')
    },
  }
}

function bar(fraction: number): string {
  const filled = Math.round(Math.min(1, fraction) * barWidth)
  return `[${'='.repeat(filled)}${' '.repeat(barWidth - filled)}]`
}
