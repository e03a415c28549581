/** What self-tests found of adapters before, by a key that names adapter, driver, precision, matrix units and kernels. */
export type TestedAdapters = {
  /** Whether this adapter was found right before. */
  readonly has: (key: string) => Promise<boolean>;
  /** Notes that it was. */
  readonly add: (key: string) => Promise<void>;
  /** Why its matrix units were found wrong before, where they were. Without it such units are tested each time. */
  readonly wrong?: (key: string) => Promise<string | undefined>;
  /** Notes why they were. */
  readonly addWrong?: (key: string, why: string) => Promise<void>;
};
