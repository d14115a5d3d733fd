import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { FileText, History as HistoryIcon, MessageCircleDashed, MessageSquare, MessageSquareText, NotebookPen, Search, Settings, ShieldCheck, Users, X, type LucideIcon } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Autocomplete, Dialog, Header, Input, ListBox, ListBoxItem, ListBoxSection, Modal, ModalOverlay, SearchField, Text } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { limitsQuery, useMe } from "@/features/account/api";
import { quickSearchQuery } from "@/features/history/api";
import { Snippet } from "@/features/history/snippet";
import { quickPromptsQuery } from "@/features/library/api";
import { useCategoryName } from "@/features/library/words";
import { api, unwrap } from "@/lib/api/client";
import { isComposing } from "@/lib/composing";
import { cx } from "@/lib/cx";
import { useFormats } from "@/lib/format";
import { matches } from "@/lib/match";
import { useDebounced } from "@/lib/use-debounced";
import { IconButton } from "@/ui/button";
import { Icon } from "@/ui/icon";
import { openPlaces } from "./admin-places";
import { closePalette, openPalette, usePaletteOpen } from "./palette-state";

interface Place {
  id: string;
  title: string;
  /** The title with what was found marked in it. */
  face?: ReactNode;
  /** Where it belongs: a group of settings, a date. */
  note?: string | undefined;
  /** Other words by which it is found: what can be done there. */
  words?: string;
  icon: LucideIcon;
  go: () => unknown;
}

const shownAtOnce = 8;

/** Ctrl+K: one box that finds conversations, what was said in them, prompts, pages and settings. */
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
  const { t: ui } = useTranslation("ui");
  const { t: own } = useTranslation("account");
  const { t: library } = useTranslation("library");
  const { t: keys } = useTranslation("shortcuts");
  const categoryName = useCategoryName();
  const [query, setQuery] = useState("");
  const [composing, setComposing] = useState(false);
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
    ...openPlaces(account).flatMap((group) => group.places.map((place) => ({ id: place.to, title: t(place.name), note: `${t("admin")} › ${t(group.question)}`, icon: ShieldCheck, go: () => navigate({ to: place.to }) }))),
  ];
  const settings: Place[] = [
    { hash: "display", title: own("display"), words: `${t("theme")} ${own("language")} ${own("density")} ${own("calendar")} ${own("era")}` },
    { hash: "conversation", title: own("conversation"), words: `${own("defaultModel")} ${own("sendKey")} ${library("first")} ${keys("notice")}` },
    { hash: "keys", title: keys("title") },
    { hash: "profile", title: own("profile"), words: own("name") },
    { hash: "password", title: own("password") },
    { hash: "sessions", title: own("sessions"), words: own("everywhere") },
    { hash: "import", title: own("importTitle") },
    { hash: "mine", title: own("mine"), words: `${own("mineExport")} ${own("mineDelete")}` },
  ].map(({ hash, ...place }) => ({ ...place, id: `settings ${hash}`, note: t("settings"), icon: Settings, go: () => navigate({ to: "/settings", hash }) }));
  const talk = ({ id, title, face, at }: { id: string; title: string; face?: ReactNode; at: string }): Place => ({
    id,
    title,
    face,
    note: format.near(at),
    icon: MessageSquare,
    go: () => navigate({ to: "/c/$conversationId", params: { conversationId: id } }),
  });

  // Half a conversion of kana is not what anyone looks for.
  const wanted = query.trim();
  const settled = useDebounced(wanted, 250);
  const [asked, setAsked] = useState("");
  if (!composing && asked !== settled) setAsked(settled);
  const found = useQuery({ ...quickSearchQuery(asked), retry: false });
  const prompts = useQuery({ ...quickPromptsQuery(asked), retry: false });
  const hits = wanted === "" ? [] : (found.data?.items ?? []);
  const searching = wanted !== "" && (asked !== wanted || found.isFetching || prompts.isFetching);

  const find = (places: Place[]) => places.filter((p) => matches(`${p.title} ${p.note ?? ""} ${p.words ?? ""}`, wanted));
  // What is known here is there at once; the server knows the older ones.
  const near = find((conversations.data?.items ?? []).map((c) => talk({ id: c.id, title: c.title, at: c.updatedAt })));
  const older = hits.filter((hit) => !hit.messageId && !near.some((one) => one.id === hit.conversationId)).map((hit) => talk({ id: hit.conversationId, title: hit.title, face: <Snippet parts={hit.snippet} />, at: hit.at }));
  const said: Place[] = hits
    .filter((hit) => hit.messageId)
    .map((hit) => ({
      id: `message ${hit.messageId ?? ""}`,
      title: hit.snippet.map((part) => part.text).join("") || hit.title,
      face: <Snippet parts={hit.snippet} />,
      note: hit.title,
      icon: MessageSquareText,
      go: () => navigate({ to: "/c/$conversationId", params: { conversationId: hit.conversationId }, search: { message: hit.messageId } }),
    }));
  const offered: Place[] = (wanted === "" ? [] : (prompts.data?.items ?? [])).map((p) => ({
    id: `prompt ${p.id}`,
    title: p.name,
    note: p.command ? `/${p.command}` : p.category && categoryName(p.category),
    icon: NotebookPen,
    go: () => navigate({ to: "/prompts", search: { id: p.id } }),
  }));
  const nothingYet = [near, older, said, offered, find(pages), find(settings)].every((places) => places.length === 0);
  // While the answer is awaited this row is not the only one: it would keep the focus that the first found should have.
  const everything: Place[] = wanted === "" || (searching && nothingYet) ? [] : [{ id: "search", title: t("paletteSearchAll", { q: wanted }), icon: Search, go: () => navigate({ to: "/search", search: { q: wanted } }) }];

  const kinds = [
    { title: t("paletteConversations"), places: [...near, ...older].slice(0, shownAtOnce) },
    { title: t("palettePrompts"), places: offered },
    { title: t("palettePages"), places: find(pages) },
    { title: t("paletteSettings"), places: find(settings) },
    { title: t("paletteMessages"), places: said },
  ];
  const count = kinds.reduce((n, kind) => n + kind.places.length, 0);
  const sections = [...kinds, { title: t("searchPage"), places: everything }].filter((s) => s.places.length > 0);
  const byId = new Map(sections.flatMap((s) => s.places).map((p) => [p.id, p]));
  const state = searching || conversations.isPending ? t("paletteSearching") : wanted === "" ? "" : found.error ? t("paletteFailed") : count === 0 ? t("paletteNone", { q: wanted }) : t("paletteFound", { count });

  return (
    <Dialog aria-label={t("paletteLabel")} className="flex max-h-[inherit] flex-col outline-none">
      <Autocomplete inputValue={query} onInputChange={setQuery}>
        <SearchField aria-label={t("paletteLabel")} autoFocus className="relative flex-none border-b border-rule">
          <Icon of={Search} className="absolute top-1/2 left-4 -translate-y-1/2 text-muted" />
          <Input
            placeholder={t("palettePlaceholder")}
            onCompositionStart={() => setComposing(true)}
            onCompositionEnd={() => setComposing(false)}
            onKeyDownCapture={(event) => isComposing(event) && event.stopPropagation()} // Escape and Enter are the input method's
            className="min-h-14 w-full bg-transparent pr-4 pl-12 text-16 max-md:pr-14 shadow-none! outline-none! [&::-webkit-search-cancel-button]:hidden"
          />
          <IconButton icon={X} label={ui("close")} onPress={closePalette} className="absolute! top-1.5 right-1.5 md:hidden!" />
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
                  className="flex min-h-10 cursor-pointer items-center gap-3 rounded-6 px-2 py-1 text-14 outline-none data-[focused]:bg-surface-selected data-[hovered]:bg-surface-hover pointer-coarse:min-h-11"
                >
                  <Icon of={place.icon} className="text-muted" />
                  <Text slot="label" className={cx("min-w-0 flex-1", place.face ? "line-clamp-2" : "truncate")}>
                    {place.face ?? place.title}
                  </Text>
                  {place.note && (
                    <Text slot="description" className="max-w-[40%] flex-none truncate text-muted max-md:hidden">
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
      <p className="flex flex-none flex-wrap justify-between gap-x-4 border-t border-rule px-4 py-2 text-14 text-muted">
        <span className="pointer-coarse:hidden">{t("paletteHint")}</span>
        <span role="status" className="min-w-0 truncate tabular-nums">
          {state}
        </span>
      </p>
    </Dialog>
  );
}
