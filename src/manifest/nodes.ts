/** What a document says before it is made a value, with the places in its text (offsets). */
export type Node = ScalarNode | ListNode | MapNode | AliasNode;

export interface ScalarNode {
  readonly kind: "scalar";
  readonly at: number;
  readonly end: number;
  readonly text: string;
  /** Without quotes, so that it may be a number or the like. */
  readonly plain: boolean;
  readonly tag: string | undefined;
}

export interface ListNode {
  readonly kind: "list";
  readonly at: number;
  /** The end of its first token. */
  end: number;
  readonly items: Node[];
}

export interface MapNode {
  readonly kind: "map";
  readonly at: number;
  /** The end of its first token. */
  end: number;
  /** Keys and values in turn. */
  readonly entries: Node[];
}

export interface AliasNode {
  readonly kind: "alias";
  readonly at: number;
  readonly end: number;
  readonly target: Node;
}
