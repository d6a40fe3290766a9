/** Where schemas get their ids. "Registry" alone means producers; this one is always the schema registry. */
export interface SchemaRegistry {
  /**
   * The id of `schema` (canonical JSON text) under `subject`; the same schema always has the same id.
   * @throws SCHEMA_INVALID
   */
  register(subject: string, schema: string): Promise<number>
  /** The schema with this id. @throws SCHEMA_NOT_FOUND */
  getById(id: number): Promise<string>
}
