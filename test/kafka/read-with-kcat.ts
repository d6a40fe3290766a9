import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'

/** A record as kcat, a program on librdkafka, sees it. */
export type KcatRecord = {
  partition: number
  offset: number
  timestamp: number
  key: Buffer | null
  value: Buffer | null
  /**
   * As kcat prints them: name=value,name=value with a null value as NULL and each value only up to its first NUL byte.
   * Not parsed, since a value may hold a comma: the Java client is the exact view of headers.
   */
  headers: Buffer
}

const run = promisify(execFile)
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024

/** Whether kcat is on this machine (Debian: apt-get install kcat). */
export async function hasKcat(): Promise<boolean> {
  return run('kcat', ['-V']).then(
    () => true,
    () => false,
  )
}

/** Reads a whole topic with kcat, a second opinion beside the Java clients. */
export async function readWithKcat(bootstrap: string, topic: string): Promise<KcatRecord[]> {
  // Key and value are cut by their lengths. kcat tells no length for the headers, so a mark nobody could have sent ends them.
  const mark = randomUUID()
  const format = `%p %o %T %K %S\\n%k%s%h${mark}`
  const { stdout } = await run(
    'kcat',
    ['-C', '-q', '-e', '-b', bootstrap, '-t', topic, '-o', 'beginning', '-f', format],
    { encoding: 'buffer', maxBuffer: MAX_OUTPUT_BYTES },
  )
  const records: KcatRecord[] = []
  for (let at = 0; at < stdout.length;) {
    const lineEnd = stdout.indexOf('\n', at)
    const numbers = stdout.toString('latin1', at, lineEnd).split(' ').map(Number)
    const [partition = NaN, offset = NaN, timestamp = NaN, keyLength = NaN, valueLength = NaN] = numbers
    at = lineEnd + 1
    // A length of -1 stands for null.
    const take = (length: number): Buffer | null => (length < 0 ? null : stdout.subarray(at, (at += length)))
    const key = take(keyLength)
    const value = take(valueLength)
    const end = stdout.indexOf(mark, at)
    if (lineEnd < 0 || end < 0 || numbers.some(Number.isNaN)) throw new Error(`cannot read kcat's output at byte ${at}`)
    records.push({ partition, offset, timestamp, key, value, headers: stdout.subarray(at, end) })
    at = end + mark.length
  }
  return records.sort((left, right) => left.partition - right.partition || left.offset - right.offset)
}
