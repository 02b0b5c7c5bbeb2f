/** Returns the token of an `Authorization: Bearer` header; the scheme may have any case. */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer +([\x21-\x7e]+)$/i.exec(authorization ?? "")?.[1];
}

/** Returns the bearer token of a request. */
export function bearerOf({ headers }: Pick<Request, "headers">): string | undefined {
  return bearerToken(headers.get("authorization"));
}
