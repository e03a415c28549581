/** Where runs are kept between visits: one whole record each, so that a page that goes away leaves the one before. */
const [database, store] = ["kdc-mae-explorer", "runs"];

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () =>
      reject(new Error(`The browser could not keep the run: ${request.error?.message ?? "no reason given"}`));
  });

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(database, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(store);
  return done(request);
}

async function within<T>(mode: IDBTransactionMode, work: (runs: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opened = await open();
  try {
    return await done(work(opened.transaction(store, mode).objectStore(store)));
  } finally {
    opened.close();
  }
}

/** Keeps a run's bytes under its name, in place of those before. */
export const keepRun = async (name: string, bytes: Uint8Array): Promise<void> => {
  await within("readwrite", (runs) => runs.put(bytes, name));
};
/** What was kept under a name; undefined where there is nothing. */
export const keptRun = (name: string): Promise<Uint8Array | undefined> => within("readonly", (runs) => runs.get(name));
export const forgetRun = (name: string): Promise<undefined> => within("readwrite", (runs) => runs.delete(name));
