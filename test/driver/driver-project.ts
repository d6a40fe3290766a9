import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

const source = new URL('../../src/', import.meta.url)

/** A project with our drivers and no packages but those that the test puts there. */
export function createDriverProject() {
  const project = mkdtempSync(join(tmpdir(), 'driver-project-'))
  onTestFinished(() => rmSync(project, { recursive: true }))
  for (const folder of ['errors', 'timing', 'driver'])
    cpSync(fileURLToPath(new URL(folder, source)), join(project, 'src', folder), { recursive: true })
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  return {
    /** @param files CommonJS, unless one of them is a package.json that says otherwise */
    install(packageName: string, files: Readonly<Record<string, string>>): void {
      for (const [name, text] of Object.entries(files)) {
        const file = join(project, 'node_modules', packageName, name)
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, text)
      }
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
