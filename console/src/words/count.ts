/** A number with its noun: "1 page", "3 pages". */
export const s = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
