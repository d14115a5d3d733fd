import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { FileText, History as HistoryIcon, MessageCircleDashed, MessageSquare, MessageSquareText, NotebookPen, Search, Settings, ShieldCheck, Users, type LucideIcon } from "lucide-react";
import { useEffect, useState } from "react";
import { Autocomplete, Dialog, Header, Input, ListBox, ListBoxItem, ListBoxSection, Modal, ModalOverlay, SearchField, Text } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { limitsQuery, useMe } from "@/features/account/api";
import { quickSearchQuery } from "@/features/history/api";
import { api, unwrap } from "@/lib/api/client";
import { useFormats } from "@/lib/format";
import { matches } from "@/lib/match";
import { useDebounced } from "@/lib/use-debounced";
import { Icon } from "@/ui/icon";
import { adminPlaces } from "./admin-frame";
import { closePalette, openPalette, usePaletteOpen } from "./palette-state";

interface Place {
  id: string;
  title: string;
  /** Where it belongs: a group of settings, a date. */
  note?: string;
  icon: LucideIcon;
  go: () => unknown;
}

const shownAtOnce = 8;

/** Ctrl+K: one box that finds conversations, pages and settings. */
export function Palette() {
  const isOpen = usePaletteOpen();

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k" && !event.isComposing) {
        event.preventDefault();
        openPalette();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
      closePalette();
    };
  }, []);

  return (
    <ModalOverlay isOpen={isOpen} onOpenChange={(open) => !open && closePalette()} isDismissable className="fixed inset-0 z-40 flex justify-center bg-scrim p-4 pt-[12vh] entering:animate-appear max-md:p-0">
      <Modal className="h-fit max-h-[70vh] w-full max-w-[40rem] overflow-hidden rounded-12 bg-surface-overlay shadow-overlay max-md:max-h-full max-md:rounded-none">
        <PaletteBody />
      </Modal>
    </ModalOverlay>
  );
}

function PaletteBody() {
  const { t } = useTranslation("frame");
  const format = useFormats();
  const navigate = useNavigate();
  const { account } = useMe();
  const [query, setQuery] = useState("");
  const conversations = useQuery({
    queryKey: ["conversations", "palette"],
    queryFn: ({ signal }) => unwrap(api.GET("/conversations", { params: { query: { limit: 100 } }, signal })),
  });

  const temporary = (useQuery(limitsQuery).data?.temporary ?? "off") !== "off";
  const pages: Place[] = [
    { id: "new", title: t("start"), icon: FileText, go: () => navigate({ to: "/" }) },
    ...(temporary ? [{ id: "temporary", title: t("startTemporary"), icon: MessageCircleDashed, go: () => navigate({ to: "/temporary" }) }] : []),
    { id: "history", title: t("allConversations"), icon: HistoryIcon, go: () => navigate({ to: "/history", search: {} }) },
    { id: "find", title: t("searchPage"), icon: Search, go: () => navigate({ to: "/search", search: {} }) },
    { id: "shared", title: t("shared"), icon: Users, go: () => navigate({ to: "/shared", search: {} }) },
    { id: "prompts", title: t("prompts"), icon: NotebookPen, go: () => navigate({ to: "/prompts" }) },
    ...(account.role === "administrator"
      ? adminPlaces.flatMap((group) => group.places.map((place) => ({ id: place.to, title: t(place.name), note: `${t("admin")} › ${t(group.question)}`, icon: ShieldCheck, go: () => navigate({ to: place.to }) })))
      : []),
  ];
  const settings: Place[] = (["settingsDisplay", "settingsConversation", "settingsPassword", "settingsSessions"] as const).map((name) => ({
    id: name,
    title: t(name),
    note: t("settings"),
    icon: Settings,
    go: () => navigate({ to: "/settings", hash: name.replace("settings", "").toLowerCase() }),
  }));
  const talks: Place[] = (conversations.data?.items ?? []).map((c) => ({
    id: c.id,
    title: c.title,
    note: format.near(c.updatedAt),
    icon: MessageSquare,
    go: () => navigate({ to: "/c/$conversationId", params: { conversationId: c.id } }),
  }));

  const wanted = query.trim();
  const asked = useDebounced(wanted, 250);
  const found = useQuery({ ...quickSearchQuery(asked), retry: false });
  const said: Place[] = (wanted === "" ? [] : (found.data?.items ?? []))
    .filter((hit) => hit.messageId)
    .map((hit) => ({
      id: `message ${hit.messageId ?? ""}`,
      title: hit.snippet.map((part) => part.text).join("") || hit.title,
      note: hit.title,
      icon: MessageSquareText,
      go: () => navigate({ to: "/c/$conversationId", params: { conversationId: hit.conversationId }, search: { message: hit.messageId } }),
    }));
  const everything: Place[] = wanted === "" ? [] : [{ id: "search", title: t("paletteSearchAll", { q: wanted }), icon: Search, go: () => navigate({ to: "/search", search: { q: wanted } }) }];

  const find = (places: Place[]) => places.filter((p) => matches(`${p.title} ${p.note ?? ""}`, query.trim()));
  const sections = [
    { title: t("paletteConversations"), places: find(talks).slice(0, shownAtOnce) },
    { title: t("paletteMessages"), places: [...said, ...everything] },
    { title: t("palettePages"), places: find(pages) },
    { title: t("paletteSettings"), places: find(settings) },
  ].filter((s) => s.places.length > 0);
  const byId = new Map(sections.flatMap((s) => s.places).map((p) => [p.id, p]));

  return (
    <Dialog aria-label={t("paletteLabel")} className="flex max-h-[inherit] flex-col outline-none">
      <Autocomplete inputValue={query} onInputChange={setQuery}>
        <SearchField aria-label={t("paletteLabel")} autoFocus className="relative flex-none border-b border-rule">
          <Icon of={Search} className="absolute top-1/2 left-4 -translate-y-1/2 text-muted" />
          <Input placeholder={t("palettePlaceholder")} className="min-h-14 w-full bg-transparent pr-4 pl-12 text-16 shadow-none! outline-none! [&::-webkit-search-cancel-button]:hidden" />
        </SearchField>
        {/* The arrows move through the list from the box above; the region itself takes Tab so that a list longer than the screen scrolls by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div role="region" aria-label={t("paletteResults")} tabIndex={0} className="min-h-0 flex-1 overflow-y-auto outline-offset-[-2px]">
        <ListBox
          aria-label={t("paletteLabel")}
          selectionMode="none"
          onAction={(id) => {
            closePalette();
            void byId.get(String(id))?.go();
          }}
          renderEmptyState={() => <p className="p-4 text-14 text-muted">{t("paletteEmpty")}</p>}
          className="p-2 outline-none"
        >
          {sections.map((section) => (
            <ListBoxSection key={section.title} id={section.title}>
              <Header className="px-2 pt-2 pb-1 text-14 text-muted">{section.title}</Header>
              {section.places.map((place) => (
                <ListBoxItem
                  key={place.id}
                  id={place.id}
                  textValue={place.title}
                  className="flex min-h-10 cursor-pointer items-center gap-3 rounded-6 px-2 text-14 outline-none data-[focused]:bg-surface-selected pointer-coarse:min-h-11"
                >
                  <Icon of={place.icon} className="text-muted" />
                  <Text slot="label" className="min-w-0 flex-1 truncate">
                    {place.title}
                  </Text>
                  {place.note && (
                    <Text slot="description" className="flex-none text-muted max-md:hidden">
                      {place.note}
                    </Text>
                  )}
                </ListBoxItem>
              ))}
            </ListBoxSection>
          ))}
        </ListBox>
        </div>
      </Autocomplete>
      <p className="flex-none border-t border-rule px-4 py-2 text-14 text-muted pointer-coarse:hidden">{t("paletteHint")}</p>
    </Dialog>
  );
}
