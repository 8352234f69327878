/** Takes one thing that is wrong: where (JSON Pointer), and what is there and what is allowed, in one line. */
export type Report = (path: string, message: string) => void;
