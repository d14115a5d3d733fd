import { useTranslation } from "react-i18next";
import type { Permission } from "@/lib/api/types";

/** The key of the words for a permission: a full stop would part them. */
type Key<P extends string> = P extends `${infer Kind}.${infer Act}` ? `${Kind}_${Act}` : never;
export const permissionKey = (permission: Permission) => permission.replace(".", "_") as Key<Permission>;

/** Gives the name of a permission. */
export function usePermissionName(): (permission: Permission) => string {
  const { t } = useTranslation("people");
  return (permission) => t(`permission.${permissionKey(permission)}.name`);
}
