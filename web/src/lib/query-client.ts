import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api/error";

/** The cache of what the server said. Only failures that pass by themselves are tried again. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // A browser in a closed network may believe that it is offline.
        networkMode: "always",
        staleTime: 10_000,
        retry: (count, err) => err instanceof ApiError && err.passing && count < 2,
        retryDelay: (attempt) => 500 * 2 ** attempt,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
