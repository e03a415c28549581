import type { Stream } from "@kdc-mae/core";

/** The streams that a model gives vectors of. By itself, so that who reads vectors need not load what makes them. */
export const streamNames: readonly Stream[] = ["audio", "visual", "joint"];
