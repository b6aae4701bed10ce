/** Orders texts by UTF-16 units: the same everywhere, and for ASCII as S3 orders keys. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
