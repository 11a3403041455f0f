import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import type { EscalationReason } from '../../../database/support/conversations.ts';

/** What customers read where no model writes, in one language. */
export interface SupportTexts {
  /** That no answer is sure enough. */
  readonly unknown: string;
  /** That a human takes over now. */
  readonly handover: string;
  /** In place of `handover` where the customer has asked for a human. */
  readonly requested: string;
  /** In place of `handover` where the customer is angry. */
  readonly apology: string;
  /** That a human has the conversation. */
  readonly waiting: string;
}

/** The texts for a customer. @param language ISO 639-1; undefined: the desk does not know it */
export type TextsIn = (language: string | undefined) => SupportTexts;

type Stated = NonNullable<NonNullable<OrganizationSpec['support']>['texts']>;

/**
 * The texts of an organization: what it states for the customer's language, else what it states for all, else ours in the
 * customer's language, else in English. Its `handover` also stands for `requested` and `apology` that it does not state.
 */
export function makeTextsIn(stated: Stated | undefined): TextsIn {
  return (language) => {
    const { translations, ...forAll } = stated ?? {};
    const own = { ...forAll, ...translations?.find((one) => one.language === language) };
    const ours = (language !== undefined && ourTexts[language]) || english;
    return {
      unknown: own.unknown ?? ours.unknown,
      handover: own.handover ?? ours.handover,
      requested: own.requested ?? own.handover ?? ours.requested,
      apology: own.apology ?? own.handover ?? ours.apology,
      waiting: own.waiting ?? ours.waiting,
    };
  };
}

/** How a hand-over ends what the customer reads. */
export function sayHandover(texts: SupportTexts, reason: EscalationReason): string {
  if (reason === 'customer_request') return texts.requested;
  return reason === 'negative_sentiment' ? texts.apology : texts.handover;
}

interface Phrases {
  readonly unknown: string;
  readonly handover: string;
  readonly ofCourse: string;
  readonly sorry: string;
  readonly waiting: string;
}

function made({ unknown, handover, ofCourse, sorry, waiting }: Phrases): SupportTexts {
  return { unknown, handover, requested: `${ofCourse} ${handover}`, apology: `${sorry} ${handover}`, waiting };
}

const english = made({
  unknown: 'I do not have a reliable answer to this.',
  handover: 'I am handing this conversation over to a colleague, who will reply here.',
  ofCourse: 'Of course.',
  sorry: 'I am sorry for the trouble.',
  waiting: 'A colleague has this conversation and will reply here.',
});

const ourTexts: Readonly<Record<string, SupportTexts>> = {
  en: english,
  da: made({
    unknown: 'Jeg har ikke et sikkert svar på dette.',
    handover: 'Jeg giver samtalen videre til en kollega, som svarer her.',
    ofCourse: 'Selvfølgelig.',
    sorry: 'Jeg beklager ulejligheden.',
    waiting: 'En kollega har overtaget samtalen og svarer her.',
  }),
  de: made({
    unknown: 'Dazu habe ich keine verlässliche Antwort.',
    handover: 'Ich gebe dieses Gespräch an unser Team weiter, das Ihnen hier antwortet.',
    ofCourse: 'Gerne.',
    sorry: 'Der Ärger tut mir leid.',
    waiting: 'Unser Team hat dieses Gespräch übernommen und antwortet Ihnen hier.',
  }),
  es: made({
    unknown: 'No tengo una respuesta fiable a esta pregunta.',
    handover: 'Paso esta conversación a nuestro equipo, que le responderá aquí.',
    ofCourse: 'Por supuesto.',
    sorry: 'Lamento las molestias.',
    waiting: 'Nuestro equipo tiene esta conversación y le responderá aquí.',
  }),
  fr: made({
    unknown: 'Je n’ai pas de réponse fiable à cette question.',
    handover: 'Je transmets cette conversation à notre équipe, qui vous répondra ici.',
    ofCourse: 'Bien sûr.',
    sorry: 'Toutes nos excuses pour ce désagrément.',
    waiting: 'Notre équipe a repris cette conversation et vous répondra ici.',
  }),
  it: made({
    unknown: 'Non ho una risposta affidabile a questa domanda.',
    handover: 'Passo questa conversazione al nostro team, che le risponderà qui.',
    ofCourse: 'Certamente.',
    sorry: 'Mi dispiace per il disagio.',
    waiting: 'Il nostro team ha preso in carico questa conversazione e le risponderà qui.',
  }),
  nl: made({
    unknown: 'Hier heb ik geen betrouwbaar antwoord op.',
    handover: 'Ik draag dit gesprek over aan een collega, die u hier antwoordt.',
    ofCourse: 'Natuurlijk.',
    sorry: 'Het spijt me van het ongemak.',
    waiting: 'Een collega heeft dit gesprek overgenomen en antwoordt u hier.',
  }),
  pl: made({
    unknown: 'Nie mam pewnej odpowiedzi na to pytanie.',
    handover: 'Przekazuję tę rozmowę naszemu zespołowi, który odpowie tutaj.',
    ofCourse: 'Oczywiście.',
    sorry: 'Przepraszam za kłopot.',
    waiting: 'Nasz zespół przejął tę rozmowę i odpowie tutaj.',
  }),
  pt: made({
    unknown: 'Não tenho uma resposta segura para esta pergunta.',
    handover: 'Vou passar esta conversa a um colega, que responderá aqui.',
    ofCourse: 'Claro.',
    sorry: 'Lamento o transtorno.',
    waiting: 'Um colega assumiu esta conversa e responderá aqui.',
  }),
  sv: made({
    unknown: 'Jag har inget säkert svar på detta.',
    handover: 'Jag lämnar över samtalet till en kollega, som svarar här.',
    ofCourse: 'Självklart.',
    sorry: 'Jag beklagar besväret.',
    waiting: 'En kollega har tagit över samtalet och svarar här.',
  }),
};
