import { Ellipsis, Pencil, Plus, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { applyTheme, storedTheme } from "@/lib/appearance";
import { ApiError } from "@/lib/api/error";
import type { Locale, Theme } from "@/lib/api/types";
import { changeLocale } from "@/lib/i18n";
import { Mark, Seal } from "@/ui/brand";
import { Button, buttonClass, IconButton, TextButton } from "@/ui/button";
import { FilterChip } from "@/ui/chip";
import { Checkbox, CheckboxGroup, RadioGroup, Switch } from "@/ui/choice";
import { CopyButton } from "@/ui/copy-button";
import { Detail, Details } from "@/ui/details";
import { ConfirmDialog, Dialog } from "@/ui/dialog";
import { Disclosure } from "@/ui/disclosure";
import { Drawer } from "@/ui/drawer";
import { Empty } from "@/ui/empty";
import { ErrorNotice } from "@/ui/error-notice";
import { Kbd } from "@/ui/kbd";
import { Menu, MenuItem, MenuRule, MenuSection } from "@/ui/menu";
import { Notice } from "@/ui/notice";
import { useTitle } from "@/ui/page";
import { Combobox, Select } from "@/ui/select";
import { Skeleton } from "@/ui/skeleton";
import { Badge, State } from "@/ui/state";
import { More, Table, type Column, type Sort } from "@/ui/table";
import { Tabs } from "@/ui/tabs";
import { NumberField, PasswordField, SearchField, TextArea, TextField } from "@/ui/text-field";
import { toast } from "@/ui/toast";

interface Row {
  id: string;
  name: string;
  place: string;
  state: "on" | "off" | "wait" | "stop";
}

const rows: Row[] = [
  { id: "1", name: "相川 真理子", place: "総務課 文書法制係", state: "on" },
  { id: "2", name: "大久保 さやか", place: "福祉課 生活支援係", state: "wait" },
  { id: "3", name: "三宅 浩二", place: "環境課 生活環境係", state: "off" },
  { id: "4", name: "勅使河原 エリザベス 美津子 とても長い名前の人", place: "市民課 外国人相談窓口（出張所を含む）", state: "stop" },
];

const columns: Column<Row>[] = [
  { id: "name", header: "氏名", cell: (r) => r.name, sortable: true },
  { id: "place", header: "所属", cell: (r) => r.place, from: "narrow" },
  { id: "state", header: "状態", cell: (r) => <State tone={r.state}>{{ on: "利用中", off: "未使用", wait: "招待中", stop: "停止中" }[r.state]}</State>, width: "w-28" },
];

const swatches = ["surface", "surface-side", "surface-raised", "surface-hover", "surface-selected", "accent", "accent-soft", "danger", "danger-soft", "warning", "warning-soft", "success", "success-soft", "mark", "mark-line"];

/** Every component in every state, for those who build and check the interface. Not in the product. */
export function KitPage() {
  useTitle("Kit");
  const [theme, setTheme] = useState<Theme>(storedTheme());
  const [locale, setLocale] = useState<Locale>(document.documentElement.lang === "en" ? "en" : "ja");
  const [text, setText] = useState("粗大ごみ");
  const [number, setNumber] = useState(8000);
  const [choice, setChoice] = useState("tokyo");
  const [any, setAny] = useState<string[]>(["vision"]);
  const [on, setOn] = useState(true);
  const [filter, setFilter] = useState("active");
  const [tab, setTab] = useState("one");
  const [more, setMore] = useState(true);
  const [open, setOpen] = useState<"dialog" | "confirm" | "left" | "right" | null>(null);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set(["1"]));
  const [sort, setSort] = useState<Sort>({ column: "name", direction: "ascending" });

  return (
    <main className="mx-auto max-w-[64rem] px-6 py-8 max-md:px-4">
      <header className="mb-8 flex flex-wrap items-center gap-6">
        <h1 className="inline-flex items-center gap-3 text-24">
          <Mark /> Kit
        </h1>
        <RadioGroup<Theme>
          label="明るさ"
          hideLabel
          layout="row"
          value={theme}
          onChange={(t) => {
            setTheme(t);
            applyTheme(t);
          }}
          options={[
            { value: "system", label: "端末" },
            { value: "light", label: "明るい" },
            { value: "dark", label: "暗い" },
          ]}
        />
        <RadioGroup<Locale>
          label="ことば"
          hideLabel
          layout="row"
          value={locale}
          onChange={(l) => {
            setLocale(l);
            void changeLocale(l);
          }}
          options={[
            { value: "ja", label: "日本語" },
            { value: "en", label: "English" },
          ]}
        />
      </header>

      <Group title="色">
        <div className="grid w-full grid-cols-[repeat(auto-fill,minmax(9rem,1fr))] gap-2">
          {swatches.map((name) => (
            <div key={name} className="text-14">
              <Swatch name={name} />
              {name}
            </div>
          ))}
        </div>
        <p className="w-full">
          本文 <span className="text-muted">弱い文字</span> <span className="text-disabled">使えない</span> <span className="text-accent">強調</span> <span className="text-danger">危険</span> <span className="text-warning">注意</span> <span className="text-success">成功</span>
        </p>
      </Group>

      <Group title="ボタン">
        <Button tone="primary">保存する</Button>
        <Button>取り消す</Button>
        <Button tone="quiet">あとで</Button>
        <Button tone="danger">停止する</Button>
        <Button tone="danger-quiet">削除する</Button>
        <Button tone="primary" isPending pendingLabel="保存しています">
          保存する
        </Button>
        <Button isDisabled>使えない</Button>
        <Button disabledReason="最初のページです">前へ</Button>
        <Button icon={Plus} size="dense">
          追加する
        </Button>
        <Button tone="primary" size="dense">
          小さい主
        </Button>
        <IconButton icon={Pencil} label="編集する" />
        <IconButton icon={Pencil} label="編集する" size="dense" />
        <IconButton icon={Pencil} label="編集する" disabledReason="権限がありません" />
        <a className={buttonClass()} href="#top">
          リンク
        </a>
        <TextButton onPress={() => toast({ text: "押しました" })}>文中の操作</TextButton>
        <CopyButton text="写す文" label="文をコピーする" words="コピーする" />
        <CopyButton text="写す文" label="文をコピーする" />
      </Group>

      <Group title="入力" wide>
        <TextField label="氏名" value={text} onChange={setText} hint="ほかの人の画面に表示されます" />
        <TextField label="メールアドレス" value="saeki" onChange={setText} error="メールアドレスの形で入力してください（例 saeki@example.jp）" />
        <TextField label="説明" optional placeholder="短く書いてください" />
        <TextField label="変えられない" value="0355" isReadOnly />
        <TextField label="使えない" value="0355" isDisabled />
        <PasswordField label="パスワード" value="himitsu" onChange={setText} />
        <NumberField label="上限" value={number} onChange={setNumber} unit="トークン" min={1} />
        <SearchField label="アカウントを探す" value={text} onChange={setText} />
        <Select
          label="リージョン"
          value={choice}
          onChange={setChoice}
          options={[
            { value: "tokyo", label: "東京", hint: "ap-northeast-1" },
            { value: "osaka", label: "大阪", hint: "ap-northeast-3" },
          ]}
        />
        <Select label="選ばれていない" value="" onChange={setChoice} placeholder="選んでください" options={[{ value: "a", label: "一つめ" }]} error="選んでください" />
        <Combobox label="モデルの識別子" value={text} onChange={setText} options={[{ value: "claude", label: "claude" }]} />
        <TextArea label="証明書" value={"-----BEGIN CERTIFICATE-----\nMIIB…"} onChange={setText} mono />
      </Group>

      <Group title="選択" wide>
        <RadioGroup
          label="送信のしかた"
          value={choice}
          onChange={setChoice}
          options={[
            { value: "tokyo", label: "Enter で送る", hint: "改行は Shift + Enter" },
            { value: "osaka", label: "Ctrl + Enter で送る" },
          ]}
        />
        <RadioGroup
          label="役割"
          layout="card"
          value={choice}
          onChange={setChoice}
          options={[
            { value: "tokyo", label: "利用者", hint: "会話をします" },
            { value: "osaka", label: "管理者", hint: "加えて、管理します" },
          ]}
        />
        <CheckboxGroup
          label="できること"
          value={any}
          onChange={setAny}
          options={[
            { value: "vision", label: "画像を読む" },
            { value: "tools", label: "道具を使う", hint: "社内の検索など" },
          ]}
        />
        <div className="grid content-start">
          <Checkbox isSelected={on} onChange={setOn}>
            使う
          </Checkbox>
          <Checkbox isIndeterminate>一部</Checkbox>
          <Checkbox isDisabled>使えない</Checkbox>
          <Switch isSelected={on} onChange={setOn} hint="すぐに効きます">
            公開する
          </Switch>
          <Switch isSelected={false} onChange={setOn} isDisabled>
            使えない
          </Switch>
        </div>
      </Group>

      <Group title="しるし">
        <State tone="on">利用中</State>
        <State tone="off">未使用</State>
        <State tone="wait">招待中</State>
        <State tone="stop">停止中</State>
        <Badge>題名用</Badge>
        <Badge tone="warning">試用</Badge>
        <Badge tone="accent">新しい</Badge>
        <FilterChip
          label="状態"
          value={filter}
          onChange={setFilter}
          options={[
            { value: "active", label: "利用中" },
            { value: "off", label: "停止中" },
          ]}
        />
        <FilterChip label="役割" value="" onChange={setFilter} options={[{ value: "a", label: "管理者" }]} />
        <span>
          <Kbd>Ctrl</Kbd> + <Kbd>K</Kbd>
        </span>
        <Seal name="佐伯 由美子" />
      </Group>

      <Group title="知らせ" wide>
        <Notice title="知っておくこと">入力した内容は残っています。</Notice>
        <Notice tone="success" title="終わりました">
          3件を移しました。
        </Notice>
        <Notice tone="warning" title="期限が近づいています">
          11月24日(火) 19時から使えません。
        </Notice>
        <Notice tone="danger" title="送れませんでした" />
        <ErrorNotice error={new ApiError({ status: 500, code: "internal", requestId: "01993c5e-7a41" })} onRetry={() => undefined} />
        <ErrorNotice error={new ApiError({ code: "unreachable" })} onRetry={() => undefined} />
        <Empty title="グループがまだありません" actions={<Button>追加する</Button>}>
          課や係をまとめると、使える人を決められます。
        </Empty>
        <Skeleton />
      </Group>

      <Group title="重なるもの">
        <Button onPress={() => setOpen("dialog")}>ダイアログ</Button>
        <Button onPress={() => setOpen("confirm")}>確かめる</Button>
        <Button onPress={() => setOpen("left")}>左の引き出し</Button>
        <Button onPress={() => setOpen("right")}>右の引き出し</Button>
        <Menu label="操作" trigger={<IconButton icon={Ellipsis} label="この会話の操作" />}>
          <MenuItem icon={Pencil}>名前を変える</MenuItem>
          <MenuItem icon={Trash2} tone="danger">
            削除する
          </MenuItem>
          <MenuRule />
          <MenuSection title="並び順" value={choice} onChange={setChoice}>
            <MenuItem id="tokyo">新しい順</MenuItem>
            <MenuItem id="osaka" hint="同じなら氏名の順">
              古い順
            </MenuItem>
          </MenuSection>
        </Menu>
        <Button onPress={() => toast({ text: "会話を削除しました", undo: () => toast({ text: "元に戻しました" }) })}>元に戻せる知らせ</Button>
        <Button onPress={() => toast({ tone: "danger", text: "保存できませんでした。ネットワークの接続を確かめてください。" })}>失敗の知らせ</Button>
        <div className="w-full">
          <Disclosure title="追加の設定" isOpen={more} onToggle={setMore}>
            <TextField label="ヘッダー" />
          </Disclosure>
        </div>
        <div className="w-full">
          <Tabs
            label="見出し"
            value={tab}
            onChange={setTab}
            tabs={[
              { value: "one", label: "概要", content: "概要の中身" },
              { value: "two", label: "記録", content: "記録の中身" },
            ]}
          />
        </div>
      </Group>

      <Group title="表" wide={false}>
        <div className="w-full rounded-8 border border-rule">
          <Table label="アカウント" columns={columns} rows={rows} rowKey={(r) => r.id} rowName={(r) => r.name} sort={sort} onSort={setSort} selected={selected} onSelect={setSelected} currentKey="2" onOpen={() => undefined} />
          <More text="4件のうち4件を表示中" hasMore isPending={false} onMore={() => undefined} />
        </div>
        <div className="w-full rounded-8 border border-rule">
          <Table label="読み込み中" columns={columns} rows={[]} rowKey={(r) => r.id} rowName={(r) => r.name} isPending />
        </div>
        <Details className="w-full">
          <Detail name="状態">
            <State tone="on">利用中</State>
          </Detail>
          <Detail name="最後の変更">2026年11月4日(水) 14:05 小宮 拓真</Detail>
        </Details>
      </Group>

      <Dialog
        title="グループの追加"
        isOpen={open === "dialog"}
        onClose={() => setOpen(null)}
        footer={
          <>
            <Button onPress={() => setOpen(null)}>やめる</Button>
            <Button tone="primary" onPress={() => setOpen(null)}>
              追加する
            </Button>
          </>
        }
      >
        <TextField label="グループ名" autoFocus />
      </Dialog>
      <ConfirmDialog title="佐伯 由美子を停止しますか" confirmLabel="停止する" isOpen={open === "confirm"} onClose={() => setOpen(null)} onConfirm={() => Promise.reject(new ApiError({ code: "last_administrator", status: 409 }))}>
        <p>次の操作からすべての端末でサインアウトします。会話は残ります。</p>
      </ConfirmDialog>
      <Drawer side="left" label="移動先" isOpen={open === "left"} onClose={() => setOpen(null)}>
        <p className="p-4">移動先</p>
      </Drawer>
      <Drawer side="right" label="詳細" isOpen={open === "right"} onClose={() => setOpen(null)}>
        <p className="p-4">詳細</p>
      </Drawer>
    </main>
  );
}

function Group({ title, wide, children }: { title: string; wide?: boolean; children: ReactNode }) {
  return (
    <section className="border-t border-rule py-6">
      <h2 className="mb-4 text-18">{title}</h2>
      <div className={wide ? "grid gap-x-8 gap-y-6 md:grid-cols-2" : "flex flex-wrap items-center gap-4"}>{children}</div>
    </section>
  );
}

function Swatch({ name }: { name: string }) {
  return (
    <svg className="h-10 w-full rounded-4 border border-rule" aria-hidden="true">
      <rect width="100%" height="100%" fill={`var(--${name})`} />
    </svg>
  );
}
