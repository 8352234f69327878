/**
 * A text of the object as a word in a message, or, if it is long or odd, words in its place: a file may call anything
 * anything, and a message has 120 characters and must not steer a terminal.
 */
export function plain(text: string, instead: string): string {
  return /^[\w./-]{1,50}$/.test(text) ? text : instead;
}
