import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

const source = new URL('../../src/', import.meta.url)

/** A project with our drivers and no packages but those that the test puts there. */
export function createDriverProject() {
  const project = mkdtempSync(join(tmpdir(), 'driver-project-'))
  onTestFinished(() => rmSync(project, { recursive: true }))
  for (const folder of ['errors', 'driver'])
    cpSync(fileURLToPath(new URL(folder, source)), join(project, 'src', folder), { recursive: true })
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  return {
    install(packageName: string, code: string): void {
      const folder = join(project, 'node_modules', packageName)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'package.json'), `{"name":"${packageName}","type":"module","exports":"./index.js"}`)
      writeFileSync(join(folder, 'index.js'), code)
    },
    /** Runs a program that prints JSON. */
    async run(code: string): Promise<unknown> {
      const program = join(project, 'program.ts')
      writeFileSync(program, code)
      const { stdout } = await promisify(execFile)(process.execPath, [program])
      return JSON.parse(stdout)
    },
  }
}
