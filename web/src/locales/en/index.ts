import account from "./account.json";
import admin from "./admin.json";
import chat from "./chat.json";
import common from "./common.json";
import doctor from "./doctor.json";
import egress from "./egress.json";
import errors from "./errors.json";
import feedback from "./feedback.json";
import frame from "./frame.json";
import history from "./history.json";
import library from "./library.json";
import markdown from "./markdown.json";
import people from "./people.json";
import policy from "./policy.json";
import security from "./security.json";
import share from "./share.json";
import shortcuts from "./shortcuts.json";
import ui from "./ui.json";

/** Every text in this language, by namespace: one file each. */
export const en = { account, admin, chat, common, doctor, egress, errors, feedback, frame, history, library, markdown, people, policy, security, share, shortcuts, ui };
