export function Deals() { return null; }
