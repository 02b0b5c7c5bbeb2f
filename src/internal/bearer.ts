/** The token behind `Authorization: Bearer`, whatever the case of the scheme. */
export function bearerOf({ headers }: Pick<Request, "headers">): string | undefined {
  return /^bearer +([\x21-\x7e]+)$/i.exec(headers.get("authorization") ?? "")?.[1];
}
