export { crc32 } from "./disk/crc32.js";
export { fileError } from "./disk/file-error.js";
export { disk, type FileSystem, type GrowingFile, makeFolder } from "./disk/file-system.js";
export { lockFile, lockFolder, withLock } from "./disk/lock.js";
export { sha256OfFile } from "./disk/sha256.js";
export { sweepTemporaries, temporaryName } from "./disk/temporary.js";
export { beginFile, type Content, type PendingFile, writeWhole } from "./disk/whole-file.js";
export { availableCpus, availableMemory, type MachineLimits, machineLimits } from "./machine/limits.js";
