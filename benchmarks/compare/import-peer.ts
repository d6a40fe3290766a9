/** Loads a package of benchmarks/compare/package.json: the benchmark is type-checked where these are not installed. */
export function importPeer<Module>(name: string): Promise<Module> {
  return import(name) as Promise<Module>
}
