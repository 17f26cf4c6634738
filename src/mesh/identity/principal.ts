/** What a SPIFFE identity of Istio says. */
export interface PrincipalParts {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * The parts of `"spiffe://cluster.local/ns/default/sa/frontend"`, with or without the scheme; `undefined` for what is
 * no identity of that form.
 *
 * @see SPIFFE, "The SPIFFE Identity and Verifiable Identity Document"
 */
export function principalParts(principal: string): PrincipalParts | undefined {
  const match = /^(?:spiffe:\/\/)?([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal);
  const [, trustDomain, namespace, serviceAccount] = match ?? [];
  if (trustDomain === undefined || namespace === undefined || serviceAccount === undefined) return undefined;
  return { trustDomain, namespace, serviceAccount };
}
