//! The built-in texts, each in English, Spanish, Portuguese, German, French and Italian, in this
//! order. They are constants of this crate; called by [`super::Messages`].

use crate::base::language::{Language, Message};

/// Returns the built-in text of `message` in `language`.
#[must_use]
pub fn built_in(message: Message, language: Language) -> &'static str {
    let [en, es, pt, de, fr, it] = texts(message);
    match language {
        Language::En => en,
        Language::Es => es,
        Language::Pt => pt,
        Language::De => de,
        Language::Fr => fr,
        Language::It => it,
    }
}

/// Declares the texts of every message.
macro_rules! texts {
    ($($name:ident $texts:expr;)*) => {
        fn texts(message: Message) -> [&'static str; 6] {
            match message { $(Message::$name => $texts,)* }
        }
    };
}

texts! {
    Prompt [
        "Authy token: ", "Código de Authy: ", "Código do Authy: ",
        "Authy-Code: ", "Code Authy : ", "Codice Authy: ",
    ];
    PromptOr [
        "Authy token (or type {words}): ", "Código de Authy (o escriba {words}): ",
        "Código do Authy (ou digite {words}): ", "Authy-Code (oder {words} eingeben): ",
        "Code Authy (ou tapez {words}) : ", "Codice Authy (o digita {words}): ",
    ];
    PromptEnter [
        "Authy token (or type {words}; Enter sends a push): ",
        "Código de Authy (o escriba {words}; Intro envía una notificación): ",
        "Código do Authy (ou digite {words}; Enter envia uma notificação): ",
        "Authy-Code (oder {words} eingeben; Enter sendet eine Push-Anfrage): ",
        "Code Authy (ou tapez {words} ; Entrée envoie une notification) : ",
        "Codice Authy (o digita {words}; Invio manda una notifica): ",
    ];
    Or [" or ", " o ", " ou ", " oder ", " ou ", " o "];
    PromptPush [
        "Approve the push and press Enter, or type a token: ",
        "Apruebe la notificación y pulse Intro, o escriba un código: ",
        "Aprove a notificação e pressione Enter, ou digite um código: ",
        "Push bestätigen und Enter drücken, oder Code eingeben: ",
        "Approuvez la notification et appuyez sur Entrée, ou saisissez un code : ",
        "Approva la notifica e premi Invio, o digita un codice: ",
    ];
    PromptPushOnly [
        "Approve the push and press Enter: ", "Apruebe la notificación y pulse Intro: ",
        "Aprove a notificação e pressione Enter: ", "Push bestätigen und Enter drücken: ",
        "Approuvez la notification et appuyez sur Entrée : ", "Approva la notifica e premi Invio: ",
    ];
    PromptSendPush [
        "Press Enter to send a push to your phone: ",
        "Pulse Intro para enviar una notificación a su teléfono: ",
        "Pressione Enter para enviar uma notificação ao seu telefone: ",
        "Enter drücken, um eine Push-Anfrage ans Telefon zu senden: ",
        "Appuyez sur Entrée pour envoyer une notification à votre téléphone : ",
        "Premi Invio per inviare una notifica al telefono: ",
    ];
    PromptCode [
        "Code shown in the push: ", "Código que muestra la notificación: ",
        "Código exibido na notificação: ", "Zahl aus der Push-Anfrage: ",
        "Code affiché dans la notification : ", "Codice mostrato nella notifica: ",
    ];
    PromptPassword [
        "Password and Authy token: ", "Contraseña y código de Authy: ",
        "Senha e código do Authy: ", "Passwort und Authy-Code: ",
        "Mot de passe et code Authy : ", "Password e codice Authy: ",
    ];
    NotAccepted [
        "That token was not accepted.", "El código no fue aceptado.", "O código não foi aceito.",
        "Der Code wurde nicht angenommen.", "Ce code n'a pas été accepté.",
        "Il codice non è stato accettato.",
    ];
    NotACode [
        "That is not a token: a token is 6 to 12 digits.",
        "Eso no es un código: un código tiene de 6 a 12 cifras.",
        "Isso não é um código: um código tem de 6 a 12 dígitos.",
        "Das ist kein Code: Ein Code hat 6 bis 12 Ziffern.",
        "Ce n'est pas un code : un code compte de 6 à 12 chiffres.",
        "Non è un codice: un codice ha da 6 a 12 cifre.",
    ];
    SmsSent [
        "An SMS with a token was sent to your phone.", "Se envió un SMS con un código a su teléfono.",
        "Um SMS com um código foi enviado ao seu telefone.",
        "Eine SMS mit einem Code wurde an Ihr Telefon gesendet.",
        "Un SMS avec un code a été envoyé à votre téléphone.",
        "Un SMS con un codice è stato inviato al telefono.",
    ];
    SmsUseApp [
        "No SMS was sent: use the token shown in the Authy app.",
        "No se envió ningún SMS: use el código de la aplicación Authy.",
        "Nenhum SMS foi enviado: use o código do aplicativo Authy.",
        "Es wurde keine SMS gesendet: Verwenden Sie den Code aus der Authy-App.",
        "Aucun SMS envoyé : utilisez le code de l'application Authy.",
        "Nessun SMS inviato: usa il codice dell'app Authy.",
    ];
    SmsFailed [
        "The SMS could not be sent; use the token shown in the Authy app.",
        "No se pudo enviar el SMS; use el código de la aplicación Authy.",
        "Não foi possível enviar o SMS; use o código do aplicativo Authy.",
        "Die SMS konnte nicht gesendet werden; verwenden Sie den Code aus der Authy-App.",
        "Le SMS n'a pas pu être envoyé ; utilisez le code de l'application Authy.",
        "Impossibile inviare l'SMS; usa il codice dell'app Authy.",
    ];
    SmsSpent [
        "No further SMS is sent in this login.", "En este acceso no se envían más SMS.",
        "Nenhum outro SMS será enviado neste acesso.", "In dieser Anmeldung wird keine weitere SMS gesendet.",
        "Aucun autre SMS ne sera envoyé pour cette connexion.", "In questo accesso non vengono inviati altri SMS.",
    ];
    CallStarted [
        "Your phone is being called to tell you a token.", "Le llamamos para dictarle un código.",
        "O seu telefone será chamado e um código será ditado.", "Ihr Telefon wird angerufen und ein Code angesagt.",
        "Vous allez être appelé : un code vous sera dicté.", "Riceverai una chiamata che ti detterà un codice.",
    ];
    CallUseApp [
        "No call is made: use the token shown in the Authy app.",
        "No se hace ninguna llamada: use el código de la aplicación Authy.",
        "Nenhuma chamada é feita: use o código do aplicativo Authy.",
        "Es wird nicht angerufen: Verwenden Sie den Code aus der Authy-App.",
        "Aucun appel : utilisez le code de l'application Authy.",
        "Nessuna chiamata: usa il codice dell'app Authy.",
    ];
    CallFailed [
        "The call could not be made; use the token shown in the Authy app.",
        "No se pudo hacer la llamada; use el código de la aplicación Authy.",
        "Não foi possível fazer a chamada; use o código do aplicativo Authy.",
        "Der Anruf war nicht möglich; verwenden Sie den Code aus der Authy-App.",
        "L'appel n'a pas abouti ; utilisez le code de l'application Authy.",
        "Impossibile chiamare; usa il codice dell'app Authy.",
    ];
    CallSpent [
        "No further call is made in this login.", "En este acceso no se hacen más llamadas.",
        "Nenhuma outra chamada será feita neste acesso.", "In dieser Anmeldung wird nicht noch einmal angerufen.",
        "Aucun autre appel pour cette connexion.", "In questo accesso non si fanno altre chiamate.",
    ];
    PushSent [
        "A push was sent to your phone.", "Se envió una notificación a su teléfono.",
        "Uma notificação foi enviada ao seu telefone.", "Eine Push-Anfrage wurde an Ihr Telefon gesendet.",
        "Une notification a été envoyée à votre téléphone.", "Una notifica è stata inviata al telefono.",
    ];
    PushExpired [
        "The push was not answered in time.", "La notificación no fue respondida a tiempo.",
        "A notificação não foi respondida a tempo.", "Die Push-Anfrage wurde nicht rechtzeitig beantwortet.",
        "La notification est restée sans réponse.", "La notifica non ha avuto risposta in tempo.",
    ];
    PushNoApp [
        "No push was sent: the Authy app is not set up on your phone.",
        "No se envió la notificación: la aplicación Authy no está configurada en su teléfono.",
        "Nenhuma notificação foi enviada: o aplicativo Authy não está configurado no seu telefone.",
        "Keine Push-Anfrage gesendet: Die Authy-App ist auf Ihrem Telefon nicht eingerichtet.",
        "Aucune notification envoyée : l'application Authy n'est pas configurée sur votre téléphone.",
        "Nessuna notifica inviata: l'app Authy non è configurata sul telefono.",
    ];
    PushFailed [
        "The push could not be sent.", "No se pudo enviar la notificación.",
        "Não foi possível enviar a notificação.", "Die Push-Anfrage konnte nicht gesendet werden.",
        "La notification n'a pas pu être envoyée.", "Impossibile inviare la notifica.",
    ];
    PushSpent [
        "No further push is sent in this login.", "En este acceso no se envían más notificaciones.",
        "Nenhuma outra notificação será enviada neste acesso.",
        "In dieser Anmeldung wird keine weitere Push-Anfrage gesendet.",
        "Aucune autre notification pour cette connexion.", "In questo accesso non si inviano altre notifiche.",
    ];
    Limited [
        "Not sent: there were too many in the last hour.", "No enviado: hubo demasiados envíos en la última hora.",
        "Não enviado: houve envios demais na última hora.", "Nicht gesendet: In der letzten Stunde waren es zu viele.",
        "Non envoyé : il y en a eu trop au cours de la dernière heure.", "Non inviato: troppi invii nell'ultima ora.",
    ];
    Paused [
        "Too many wrong tokens: try again in a few minutes, or use a recovery code.",
        "Demasiados códigos erróneos: inténtelo de nuevo en unos minutos o use un código de recuperación.",
        "Códigos errados demais: tente de novo em alguns minutos ou use um código de recuperação.",
        "Zu viele falsche Codes: in einigen Minuten erneut versuchen oder einen Wiederherstellungscode verwenden.",
        "Trop de codes erronés : réessayez dans quelques minutes ou utilisez un code de secours.",
        "Troppi codici errati: riprova tra qualche minuto o usa un codice di recupero.",
    ];
    RecoveryLeft [
        "That recovery code is used up. Codes left: {left}.",
        "Ese código de recuperación queda usado. Códigos restantes: {left}.",
        "Esse código de recuperação foi usado. Códigos restantes: {left}.",
        "Dieser Wiederherstellungscode ist verbraucht. Noch übrig: {left}.",
        "Ce code de secours est utilisé. Codes restants : {left}.",
        "Quel codice di recupero è stato usato. Codici rimasti: {left}.",
    ];
    PushQuestion [
        "Log in to {host} as {user} ({service})?", "¿Entrar en {host} como {user} ({service})?",
        "Entrar em {host} como {user} ({service})?", "An {host} als {user} anmelden ({service})?",
        "Se connecter à {host} en tant que {user} ({service}) ?", "Accedere a {host} come {user} ({service})?",
    ];
}
