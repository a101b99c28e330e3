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
    // Editors and clients look for "Verification code", and VS Code for "Verification code:".
    Prompt [
        "Verification code: ", "Código de verificación: ", "Código de verificação: ",
        "Bestätigungscode: ", "Code de vérification : ", "Codice di verifica: ",
    ];
    PromptOr [
        "Verification code (or type {words}): ", "Código de verificación (o escriba {words}): ",
        "Código de verificação (ou digite {words}): ", "Bestätigungscode (oder {words} eingeben): ",
        "Code de vérification (ou tapez {words}) : ", "Codice di verifica (o digita {words}): ",
    ];
    PromptEnter [
        "Verification code (or type {words}; Enter sends a push): ",
        "Código de verificación (o escriba {words}; Intro envía una notificación): ",
        "Código de verificação (ou digite {words}; Enter envia uma notificação): ",
        "Bestätigungscode (oder {words} eingeben; Enter sendet eine Push-Anfrage): ",
        "Code de vérification (ou tapez {words} ; Entrée envoie une notification) : ",
        "Codice di verifica (o digita {words}; Invio manda una notifica): ",
    ];
    Or [" or ", " o ", " ou ", " oder ", " ou ", " o "];
    WordRecovery [
        "a recovery code", "un código de recuperación", "um código de recuperação",
        "einen Wiederherstellungscode", "un code de secours", "un codice di recupero",
    ];
    PromptPush [
        "Verification code (or approve the push and press Enter): ",
        "Código de verificación (o apruebe la notificación y pulse Intro): ",
        "Código de verificação (ou aprove a notificação e pressione Enter): ",
        "Bestätigungscode (oder Push bestätigen und Enter drücken): ",
        "Code de vérification (ou approuvez la notification et appuyez sur Entrée) : ",
        "Codice di verifica (o approva la notifica e premi Invio): ",
    ];
    PromptPushOr [
        "Verification code (or approve the push and press Enter, or type {words}): ",
        "Código de verificación (o apruebe la notificación y pulse Intro, o escriba {words}): ",
        "Código de verificação (ou aprove a notificação e pressione Enter, ou digite {words}): ",
        "Bestätigungscode (oder Push bestätigen und Enter drücken, oder {words} eingeben): ",
        "Code de vérification (ou approuvez la notification et appuyez sur Entrée, ou tapez {words}) : ",
        "Codice di verifica (o approva la notifica e premi Invio, o digita {words}): ",
    ];
    PromptPushOnly [
        "Approve the push and press Enter: ", "Apruebe la notificación y pulse Intro: ",
        "Aprove a notificação e pressione Enter: ", "Push bestätigen und Enter drücken: ",
        "Approuvez la notification et appuyez sur Entrée : ", "Approva la notifica e premi Invio: ",
    ];
    PromptPushOnlyOr [
        "Approve the push and press Enter (or type {words}): ",
        "Apruebe la notificación y pulse Intro (o escriba {words}): ",
        "Aprove a notificação e pressione Enter (ou digite {words}): ",
        "Push bestätigen und Enter drücken (oder {words} eingeben): ",
        "Approuvez la notification et appuyez sur Entrée (ou tapez {words}) : ",
        "Approva la notifica e premi Invio (o digita {words}): ",
    ];
    PromptSendPush [
        "Press Enter to send a push to your phone: ",
        "Pulse Intro para enviar una notificación a su teléfono: ",
        "Pressione Enter para enviar uma notificação ao seu telefone: ",
        "Enter drücken, um eine Push-Anfrage ans Telefon zu senden: ",
        "Appuyez sur Entrée pour envoyer une notification à votre téléphone : ",
        "Premi Invio per inviare una notifica al telefono: ",
    ];
    PromptSendPushOr [
        "Press Enter to send a push to your phone (or type {words}): ",
        "Pulse Intro para enviar una notificación a su teléfono (o escriba {words}): ",
        "Pressione Enter para enviar uma notificação ao seu telefone (ou digite {words}): ",
        "Enter drücken, um eine Push-Anfrage ans Telefon zu senden (oder {words} eingeben): ",
        "Appuyez sur Entrée pour envoyer une notification à votre téléphone (ou tapez {words}) : ",
        "Premi Invio per inviare una notifica al telefono (o digita {words}): ",
    ];
    PromptCode [
        "Code shown in the push: ", "Código que muestra la notificación: ",
        "Código exibido na notificação: ", "Zahl aus der Push-Anfrage: ",
        "Code affiché dans la notification : ", "Codice mostrato nella notifica: ",
    ];
    PromptEnroll [
        "Type qr, ascii or key to add an app, or Enter for not now: ",
        "Escriba qr, ascii o key para añadir una aplicación, o Intro para no hacerlo ahora: ",
        "Digite qr, ascii ou key para adicionar um aplicativo, ou Enter para não fazer isso agora: ",
        "qr, ascii oder key eingeben, um eine App hinzuzufügen, oder Enter für nicht jetzt: ",
        "Tapez qr, ascii ou key pour ajouter une application, ou Entrée pour plus tard : ",
        "Digita qr, ascii o key per aggiungere un'app, o Invio per non farlo ora: ",
    ];
    PromptEnrollCode [
        "Verification code of the new app (or Enter to add none): ",
        "Código de verificación de la nueva aplicación (o Intro para no añadirla): ",
        "Código de verificação do novo aplicativo (ou Enter para não adicioná-lo): ",
        "Bestätigungscode der neuen App (oder Enter, um keine hinzuzufügen): ",
        "Code de vérification de la nouvelle application (ou Entrée pour n'en ajouter aucune) : ",
        "Codice di verifica della nuova app (o Invio per non aggiungerla): ",
    ];
    PromptPassword [
        "Password and verification code: ", "Contraseña y código de verificación: ",
        "Senha e código de verificação: ", "Passwort und Bestätigungscode: ",
        "Mot de passe et code de vérification : ", "Password e codice di verifica: ",
    ];
    NotAccepted [
        "That code was not accepted.", "El código no fue aceptado.", "O código não foi aceito.",
        "Der Code wurde nicht angenommen.", "Ce code n'a pas été accepté.",
        "Il codice non è stato accettato.",
    ];
    NotACode [
        "That is not a code: type all its digits and nothing else.", "Eso no es un código: escriba todas sus cifras y nada más.",
        "Isso não é um código: digite todos os dígitos e nada mais.", "Das ist kein Code: Geben Sie alle Ziffern ein und nichts sonst.",
        "Ce n'est pas un code : tapez tous ses chiffres et rien d'autre.", "Non è un codice: digita tutte le cifre e nient'altro.",
    ];
    SmsSent [
        "An SMS with a code was sent to your phone.", "Se envió un SMS con un código a su teléfono.",
        "Um SMS com um código foi enviado ao seu telefone.",
        "Eine SMS mit einem Code wurde an Ihr Telefon gesendet.",
        "Un SMS avec un code a été envoyé à votre téléphone.",
        "Un SMS con un codice è stato inviato al telefono.",
    ];
    SmsUseApp [
        "No SMS was sent: use the code shown in the Authy app.",
        "No se envió ningún SMS: use el código de la aplicación Authy.",
        "Nenhum SMS foi enviado: use o código do aplicativo Authy.",
        "Es wurde keine SMS gesendet: Verwenden Sie den Code aus der Authy-App.",
        "Aucun SMS envoyé : utilisez le code de l'application Authy.",
        "Nessun SMS inviato: usa il codice dell'app Authy.",
    ];
    SmsFailed [
        "The SMS could not be sent; use the code shown in your app.",
        "No se pudo enviar el SMS; use el código de su aplicación.",
        "Não foi possível enviar o SMS; use o código do seu aplicativo.",
        "Die SMS konnte nicht gesendet werden; verwenden Sie den Code aus Ihrer App.",
        "Le SMS n'a pas pu être envoyé ; utilisez le code de votre application.",
        "Impossibile inviare l'SMS; usa il codice della tua app.",
    ];
    SmsSpent [
        "No further SMS is sent in this login.", "En este acceso no se envían más SMS.",
        "Nenhum outro SMS será enviado neste acesso.", "In dieser Anmeldung wird keine weitere SMS gesendet.",
        "Aucun autre SMS ne sera envoyé pour cette connexion.", "In questo accesso non vengono inviati altri SMS.",
    ];
    CallStarted [
        "Your phone is being called to tell you a code.", "Le llamamos para dictarle un código.",
        "O seu telefone será chamado e um código será ditado.", "Ihr Telefon wird angerufen und ein Code angesagt.",
        "Vous allez recevoir un appel qui vous dictera un code.", "Riceverai una chiamata che ti detterà un codice.",
    ];
    CallUseApp [
        "No call is made: use the code shown in the Authy app.",
        "No se hace ninguna llamada: use el código de la aplicación Authy.",
        "Nenhuma chamada é feita: use o código do aplicativo Authy.",
        "Es wird nicht angerufen: Verwenden Sie den Code aus der Authy-App.",
        "Aucun appel : utilisez le code de l'application Authy.",
        "Nessuna chiamata: usa il codice dell'app Authy.",
    ];
    CallFailed [
        "The call could not be made; use the code shown in your app.",
        "No se pudo hacer la llamada; use el código de su aplicación.",
        "Não foi possível fazer a chamada; use o código do seu aplicativo.",
        "Der Anruf war nicht möglich; verwenden Sie den Code aus Ihrer App.",
        "L'appel n'a pas abouti ; utilisez le code de votre application.",
        "Impossibile chiamare; usa il codice della tua app.",
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
    PushPending [
        "Not approved yet.", "Aún no está aprobada.", "Ainda não aprovada.", "Noch nicht bestätigt.",
        "Pas encore approuvée.", "Non ancora approvata.",
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
    PushDenied [
        "The push was denied: start again and type a code.",
        "La notificación fue rechazada: empiece de nuevo y escriba un código.",
        "A notificação foi recusada: comece de novo e digite um código.",
        "Die Push-Anfrage wurde abgelehnt: Beginnen Sie neu und geben Sie einen Code ein.",
        "La notification a été refusée : recommencez et tapez un code.",
        "La notifica è stata rifiutata: ricomincia e digita un codice.",
    ];
    PushOnlyDenied [
        "The push was denied: start again in a few minutes.",
        "La notificación fue rechazada: empiece de nuevo en unos minutos.",
        "A notificação foi recusada: comece de novo em alguns minutos.",
        "Die Push-Anfrage wurde abgelehnt: Beginnen Sie in einigen Minuten neu.",
        "La notification a été refusée : recommencez dans quelques minutes.",
        "La notifica è stata rifiutata: ricomincia tra qualche minuto.",
    ];
    Limited [
        "Not sent: a limit is reached. Answer differently, or try again later.",
        "No enviado: se alcanzó un límite. Responda de otro modo, o inténtelo más tarde.",
        "Não enviado: um limite foi atingido. Responda de outro modo, ou tente mais tarde.",
        "Nicht gesendet: Eine Grenze ist erreicht. Antworten Sie anders oder versuchen Sie es später erneut.",
        "Non envoyé : une limite est atteinte. Répondez autrement, ou réessayez plus tard.",
        "Non inviato: un limite è raggiunto. Rispondi in altro modo, o riprova più tardi.",
    ];
    Paused [
        "Too many wrong codes: try again later.",
        "Demasiados códigos erróneos: inténtelo más tarde.",
        "Códigos errados demais: tente mais tarde.",
        "Zu viele falsche Codes: Versuchen Sie es später erneut.",
        "Trop de codes erronés : réessayez plus tard.",
        "Troppi codici errati: riprova più tardi.",
    ];
    RecoveryHint [
        "A recovery code works too.", "También sirve un código de recuperación.",
        "Um código de recuperação também serve.", "Ein Wiederherstellungscode geht auch.",
        "Un code de secours convient aussi.", "Va bene anche un codice di recupero.",
    ];
    RecoveryLeft [
        "The recovery code was accepted and is used up. Codes left: {left}.",
        "El código de recuperación fue aceptado y ya no sirve. Códigos restantes: {left}.",
        "O código de recuperação foi aceito e não pode mais ser usado. Códigos restantes: {left}.",
        "Der Wiederherstellungscode wurde angenommen und ist verbraucht. Noch übrig: {left}.",
        "Le code de secours a été accepté et ne peut plus servir. Codes restants : {left}.",
        "Il codice di recupero è stato accettato e non è più valido. Codici rimasti: {left}.",
    ];
    RefusedSince [
        "Codes not accepted or pushes denied since your last login: {count}.",
        "Códigos no aceptados o notificaciones rechazadas desde su último acceso: {count}.",
        "Códigos não aceitos ou notificações recusadas desde o seu último acesso: {count}.",
        "Nicht angenommene Codes oder abgelehnte Push-Anfragen seit Ihrer letzten Anmeldung: {count}.",
        "Codes non acceptés ou notifications refusées depuis votre dernière connexion : {count}.",
        "Codici non accettati o notifiche rifiutate dall'ultimo accesso: {count}.",
    ];
    AttemptsUsed [
        "No attempts are left: start again.", "No quedan intentos: empiece de nuevo.",
        "Não restam tentativas: comece de novo.", "Kein Versuch mehr übrig: Beginnen Sie neu.",
        "Il ne reste aucun essai : recommencez.", "Non restano tentativi: ricomincia.",
    ];
    AttemptsUsedSsh [
        "No attempts are left: close this connection (Ctrl-C) and connect again.",
        "No quedan intentos: cierre esta conexión (Ctrl-C) y conéctese de nuevo.",
        "Não restam tentativas: feche esta conexão (Ctrl-C) e conecte-se de novo.",
        "Kein Versuch mehr übrig: Beenden Sie diese Verbindung (Strg-C) und verbinden Sie sich neu.",
        "Il ne reste aucun essai : fermez cette connexion (Ctrl-C) et reconnectez-vous.",
        "Non restano tentativi: chiudi questa connessione (Ctrl-C) e connettiti di nuovo.",
    ];
    TooLate [
        "This login took too long: start again.", "Este acceso tardó demasiado: empiece de nuevo.",
        "Este acesso demorou demais: comece de novo.", "Diese Anmeldung hat zu lange gedauert: Beginnen Sie neu.",
        "Cette connexion a pris trop de temps : recommencez.", "Questo accesso ha richiesto troppo tempo: ricomincia.",
    ];
    NotReachable [
        "The verification service cannot be reached: try again later.",
        "No se puede contactar con el servicio de verificación: inténtelo más tarde.",
        "Não foi possível contatar o serviço de verificação: tente mais tarde.",
        "Der Bestätigungsdienst ist nicht erreichbar: Versuchen Sie es später erneut.",
        "Le service de vérification est injoignable : réessayez plus tard.",
        "Il servizio di verifica non è raggiungibile: riprova più tardi.",
    ];
    AllowedUnchecked [
        "The verification service cannot be reached: you are let in without a code.",
        "No se puede contactar con el servicio de verificación: se le deja entrar sin código.",
        "Não foi possível contatar o serviço de verificação: a entrada é permitida sem código.",
        "Der Bestätigungsdienst ist nicht erreichbar: Sie werden ohne Code eingelassen.",
        "Le service de vérification est injoignable : vous entrez sans code.",
        "Il servizio di verifica non è raggiungibile: l'accesso è consentito senza codice.",
    ];
    EnrollBy [
        "You have no second factor yet. Without one you can log in until {date} (UTC; days left: {days}): ask your administrator.",
        "Aún no tiene un segundo factor. Sin él puede entrar hasta el {date} (UTC; días restantes: {days}): consulte a su administrador.",
        "Você ainda não tem um segundo fator. Sem ele pode entrar até {date} (UTC; dias restantes: {days}): fale com o administrador.",
        "Sie haben noch keinen zweiten Faktor. Ohne ihn können Sie sich bis {date} anmelden (UTC; Tage übrig: {days}): Fragen Sie Ihren Administrator.",
        "Vous n'avez pas encore de second facteur. Sans lui vous pouvez entrer jusqu'au {date} (UTC ; jours restants : {days}) : contactez votre administrateur.",
        "Non hai ancora un secondo fattore. Senza puoi accedere fino al {date} (UTC; giorni rimasti: {days}): chiedi all'amministratore.",
    ];
    NotTrusted [
        "The verification service did not prove its identity: ask your administrator.",
        "El servicio de verificación no demostró su identidad: consulte a su administrador.",
        "O serviço de verificação não provou a sua identidade: fale com o administrador.",
        "Der Bestätigungsdienst hat sich nicht ausgewiesen: Fragen Sie Ihren Administrator.",
        "Le service de vérification n'a pas prouvé son identité : contactez votre administrateur.",
        "Il servizio di verifica non ha dimostrato la sua identità: chiedi all'amministratore.",
    ];
    TooManyRequests [
        "The verification service accepts no more requests now: try again in a few minutes.",
        "El servicio de verificación no acepta más peticiones: inténtelo de nuevo en unos minutos.",
        "O serviço de verificação não aceita mais pedidos: tente de novo em alguns minutos.",
        "Der Bestätigungsdienst nimmt gerade keine Anfragen an: Versuchen Sie es in einigen Minuten erneut.",
        "Le service de vérification n'accepte plus de requêtes : réessayez dans quelques minutes.",
        "Il servizio di verifica non accetta altre richieste: riprova tra qualche minuto.",
    ];
    PersonRefused [
        "The verification service does not accept your account: ask your administrator.",
        "El servicio de verificación no acepta su cuenta: consulte a su administrador.",
        "O serviço de verificação não aceita a sua conta: fale com o administrador.",
        "Der Bestätigungsdienst akzeptiert Ihr Konto nicht: Fragen Sie Ihren Administrator.",
        "Le service de vérification n'accepte pas votre compte : contactez votre administrateur.",
        "Il servizio di verifica non accetta il tuo account: chiedi all'amministratore.",
    ];
    NoKey [
        "This account is shared: log in with an SSH key that is listed for it.",
        "Esta cuenta es compartida: entre con una clave SSH que figure en ella.",
        "Esta conta é compartilhada: entre com uma chave SSH que conste nela.",
        "Dieses Konto wird gemeinsam genutzt: Melden Sie sich mit einem SSH-Schlüssel an, der dafür eingetragen ist.",
        "Ce compte est partagé : connectez-vous avec une clé SSH qui y figure.",
        "Questo account è condiviso: accedi con una chiave SSH associata a questo account.",
    ];
    NoSecurityKey [
        "This login needs a security key: log in with the one that is listed for you.",
        "Este acceso requiere una llave de seguridad: entre con la que figura para usted.",
        "Este acesso exige uma chave de segurança: entre com a que consta para você.",
        "Diese Anmeldung erfordert einen Sicherheitsschlüssel: Melden Sie sich mit dem an, der für Sie eingetragen ist.",
        "Cette connexion exige une clé de sécurité : utilisez celle qui figure pour vous.",
        "Questo accesso richiede una chiave di sicurezza: usa quella associata a te.",
    ];
    LoginRefused [
        "This login is refused: ask your administrator.", "Este acceso se rechaza: consulte a su administrador.",
        "Este acesso é recusado: fale com o administrador.",
        "Diese Anmeldung wird abgelehnt: Fragen Sie Ihren Administrator.",
        "Cette connexion est refusée : contactez votre administrateur.",
        "Questo accesso è stato rifiutato: chiedi all'amministratore.",
    ];
    NotSetUp [
        "This host cannot check your second factor: ask your administrator.",
        "Este equipo no puede comprobar su segundo factor: consulte a su administrador.",
        "Este computador não consegue verificar o seu segundo fator: fale com o administrador.",
        "Dieser Rechner kann Ihren zweiten Faktor nicht prüfen: Fragen Sie Ihren Administrator.",
        "Cette machine ne peut pas vérifier votre second facteur : contactez votre administrateur.",
        "Questo computer non può verificare il secondo fattore: chiedi all'amministratore.",
    ];
    EnrollOffer [
        "You can add an authenticator app to this account: qr draws its QR code, ascii draws it in plain characters (80 columns), key shows the secret alone.",
        "Puede añadir una aplicación de autenticación a esta cuenta: qr dibuja su código QR, ascii lo dibuja con caracteres simples (80 columnas), key muestra solo el secreto.",
        "Você pode adicionar um aplicativo autenticador a esta conta: qr desenha o código QR, ascii o desenha com caracteres simples (80 colunas), key mostra apenas o segredo.",
        "Sie können diesem Konto eine Authenticator-App hinzufügen: qr zeichnet ihren QR-Code, ascii zeichnet ihn mit einfachen Zeichen (80 Spalten), key zeigt nur das Geheimnis.",
        "Vous pouvez ajouter une application d'authentification à ce compte : qr dessine son code QR, ascii le dessine en caractères simples (80 colonnes), key ne montre que le secret.",
        "Puoi aggiungere un'app di autenticazione a questo account: qr disegna il codice QR, ascii lo disegna con caratteri semplici (80 colonne), key mostra solo il segreto.",
    ];
    EnrollScan [
        "Scan this with the app, or type the secret:", "Escanee esto con la aplicación o escriba el secreto:",
        "Leia isto com o aplicativo ou digite o segredo:", "Mit der App einlesen oder das Geheimnis eintippen:",
        "Scannez ceci avec l'application ou tapez le secret :", "Inquadra questo con l'app o digita il segreto:",
    ];
    EnrollKey [
        "Type this secret into the app (time-based, 6 digits):",
        "Escriba este secreto en la aplicación (basado en tiempo, 6 dígitos):",
        "Digite este segredo no aplicativo (baseado em tempo, 6 dígitos):",
        "Dieses Geheimnis in die App eintippen (zeitbasiert, 6 Ziffern):",
        "Tapez ce secret dans l'application (basé sur le temps, 6 chiffres) :",
        "Digita questo segreto nell'app (basato sul tempo, 6 cifre):",
    ];
    EnrollWrong [
        "That is not the code that the app shows now. Try once more.",
        "Ese no es el código que la aplicación muestra ahora. Inténtelo una vez más.",
        "Esse não é o código que o aplicativo mostra agora. Tente mais uma vez.",
        "Das ist nicht der Code, den die App jetzt zeigt. Versuchen Sie es noch einmal.",
        "Ce n'est pas le code que l'application affiche maintenant. Réessayez une fois.",
        "Non è il codice che l'app mostra ora. Riprova una volta.",
    ];
    EnrollDone [
        "The app is added. Its codes are accepted from {time} on; until then log in as before.",
        "La aplicación está añadida. Sus códigos se aceptan a partir del {time}; hasta entonces entre como antes.",
        "O aplicativo foi adicionado. Seus códigos são aceitos a partir de {time}; até lá, entre como antes.",
        "Die App ist hinzugefügt. Ihre Codes gelten ab {time}; bis dahin melden Sie sich an wie zuvor.",
        "L'application est ajoutée. Ses codes sont acceptés à partir du {time} ; d'ici là, connectez-vous comme avant.",
        "L'app è aggiunta. I suoi codici sono accettati dal {time}; fino ad allora accedi come prima.",
    ];
    EnrollNot [
        "No app was added: delete the new entry in the app.", "No se añadió ninguna aplicación: borre la nueva entrada en ella.",
        "Nenhum aplicativo foi adicionado: apague a nova entrada nele.", "Es wurde keine App hinzugefügt: Löschen Sie den neuen Eintrag in der App.",
        "Aucune application n'a été ajoutée : supprimez la nouvelle entrée dans l'application.", "Nessuna app è stata aggiunta: elimina la nuova voce nell'app.",
    ];
    EnrollFailed [
        "The app could not be added; delete the new entry in it. Nothing has changed.",
        "No se pudo añadir la aplicación; borre la nueva entrada en ella. Nada ha cambiado.",
        "Não foi possível adicionar o aplicativo; apague a nova entrada nele. Nada mudou.",
        "Die App konnte nicht hinzugefügt werden; löschen Sie den neuen Eintrag darin. Nichts hat sich geändert.",
        "L'application n'a pas pu être ajoutée ; supprimez-y la nouvelle entrée. Rien n'a changé.",
        "Non è stato possibile aggiungere l'app; elimina la nuova voce in essa. Nulla è cambiato.",
    ];
    EnrollHeld [
        "An authenticator app was added to this account. From {time} on, its codes log in. If it is not yours, call your administrator now.",
        "Se añadió una aplicación de autenticación a esta cuenta. A partir del {time} sus códigos dan acceso. Si no es suya, llame ya a su administrador.",
        "Um aplicativo autenticador foi adicionado a esta conta. A partir de {time} os códigos dele dão acesso. Se não for seu, chame já o administrador.",
        "Diesem Konto wurde eine Authenticator-App hinzugefügt. Ab {time} öffnen ihre Codes das Konto. Ist es nicht Ihre, rufen Sie jetzt den Administrator an.",
        "Une application d'authentification a été ajoutée à ce compte. À partir du {time}, ses codes y donnent accès. Si ce n'est pas la vôtre, appelez l'administrateur.",
        "A questo account è stata aggiunta un'app di autenticazione. Dal {time} i suoi codici danno accesso. Se non è tua, chiama subito l'amministratore.",
    ];
    PushQuestion [
        "Log in to {host} as {user} ({service})?", "¿Entrar en {host} como {user} ({service})?",
        "Entrar em {host} como {user} ({service})?", "An {host} als {user} anmelden ({service})?",
        "Se connecter à {host} en tant que {user} ({service}) ?", "Accedere a {host} come {user} ({service})?",
    ];
}
