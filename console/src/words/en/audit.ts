// How the audit log names what it holds. In English the stored names read well enough.

export const audit = {
  yes: "yes",
  no: "no",
  fields: {} as Record<string, string>,
  resources: {} as Record<string, string>,
  actors: {} as Record<string, string>,
};
