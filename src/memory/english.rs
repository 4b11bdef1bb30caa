//! What facts look like in English.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    Kind,
    read::{Gate, Rule, Sheet},
};

/// A value up to the next comma or stop.
const V: &str = r#"(?<v>[^,;.!?()"]+(?:\.\d[^,;.!?()"]*)*)"#;
/// A name of somebody or something: capitalised words.
const NAME: &str = r"(?<v>(?-i:\p{Lu}[\p{L}'’\-]*(?: \p{Lu}[\p{L}'’\-]*){0,3}))";
const LANGUAGE: &str = r"(?<v>english|chinese|mandarin|cantonese|malay|spanish|german|french|italian|portuguese|japanese|korean|thai|vietnamese|indonesian|russian|arabic|hindi|tamil|dutch|polish|turkish|ukrainian|swedish|tagalog|bengali|urdu)";
const MONTH: &str = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
const DAY: &str = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)";
/// A moment: with an optional hour before or after.
const WHEN: &str = r"(?:(?:on |at |for |in )?(?:the )?(?:(?:next |this |coming )?DAY(?: (?:morning|afternoon|evening|night|the \d{1,2}(?:st|nd|rd|th)?))?|tomorrow(?: morning| afternoon| evening| night)?|tonight|the day after tomorrow|next (?:week|month|monday)|\d{1,2}(?:st|nd|rd|th)?(?: of)? MONTH(?: \d{4})?|MONTH \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?|\d{4}-\d{2}-\d{2}|christmas(?: eve)?|new year's eve|easter)(?:,? (?:at |between )?(?:half past \w+|\d{1,2}(?::\d{2})?(?: ?(?:am|pm|o'clock))?(?: and \d{1,2}(?::\d{2})?(?: ?(?:am|pm))?)?))?)";

fn rule(kind: Kind, pattern: &str) -> Option<Rule> {
    let when = WHEN.replace("DAY", DAY).replace("MONTH", MONTH);
    let pattern = pattern
        .replace("{V}", V)
        .replace("{NAME}", NAME)
        .replace("{LANGUAGE}", LANGUAGE)
        .replace("{WHEN}", &when)
        .replace("{I}", r"\b(?:i|we)")
        .replace(
            "{IAM}",
            r"\b(?:i|we)(?:[’']m|[’']re| am| are)(?: also| now| usually| currently| actually| still| just)?",
        );
    let pattern = Regex::new(&format!("(?i){pattern}")).ok()?;
    Some(Rule { kind, pattern, about: None, replaces: false })
}

fn about(about: &'static str, rule: Option<Rule>) -> Option<Rule> {
    rule.map(|rule| Rule { about: Some(about), ..rule })
}

fn replacing(rule: Option<Rule>) -> Option<Rule> {
    rule.map(|rule| Rule { replaces: true, ..rule })
}

const SIZE: &str = r"(?<v>(?:size |uk |us |eu )*(?:\d{1,2}(?:[.,]5)?|x{0,4}[sl]|m|small|medium|large|extra large)\b)";

fn customer() -> Vec<Rule> {
    let size = |pattern: &str| rule(Kind::Size, &pattern.replace("{SIZE}", SIZE));
    [
        rule(Kind::Name, r"\bmy name(?:[’']s| is) (?<v>\p{L}[\p{L}'’\-]*(?: (?-i:\p{Lu})[\p{L}'’\-]*){0,3})"),
        rule(Kind::Name, r"\bthe name(?:[’']s| is) {NAME}"),
        rule(Kind::Name, r"\bthis is {NAME}(?: speaking| here| again|$|[,.!])"),
        rule(Kind::Name, r"^(?:hi|hello|hey|good \w+)?[,!]?\s*(?:i[’']m|i am) {NAME}(?:$|[,.!]| and | from )"),
        rule(Kind::Name, r"^(?:hi|hello|hey|good \w+)?[,!]?\s*(?:it[’']s )?{NAME} (?:here|speaking|again)\b"),
        rule(Kind::Name, r"\b(?:book|reserve|put|order|register|sign)\b[^,;.!?]* (?:under|in the name of|as) {NAME}"),
        rule(Kind::AddressForm, r"\b(?:call|address) me (?:as )?{NAME}(?:$|[,.!]| )"),
        rule(Kind::AddressForm, r"{I} go by {NAME}"),
        rule(Kind::Language, r"\b(?:write|reply|answer|respond|speak|talk|continue)(?: to me| with me| me)? in {LANGUAGE}\b"),
        rule(Kind::Language, r"{I} (?:only |just |mostly |can only )?(?:speak|understand|read) (?:only )?{LANGUAGE}\b"),
        rule(Kind::Language, r"\bmy (?:mother tongue|native language|first language) is {LANGUAGE}\b"),
        about("email", rule(Kind::Contact, r"\b(?:my|me|i|reach|email|e-mail|mail)\b.{0,40}?(?<v>[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+)")),
        about("phone", rule(Kind::Contact, r"\b(?:my (?:new )?(?:phone|mobile|cell|telephone|whatsapp)(?: number)?|my number|(?:reach|call|ring|text) me)\b[^\d+]{0,25}(?<v>\+?\d[\d \-()]{5,17}\d)")),
        rule(Kind::Address, r"(?:\b(?:my|our|the)|^)(?: ?(?:new|current|home|delivery|shipping|office|postal))* address(?: now| has changed| changed)?(?: is| to|:)+ ?(?<v>\S.+)"),
        rule(Kind::Address, r"\b(?:deliver|send|ship|post|mail)(?: it| them| this| that| everything| the \w+| my \w+)? to (?<v>(?:my |our )?(?:unit|flat|apt|apartment|no\.?|block|lot|house|room|\d).*\d.*)"),
        rule(Kind::Address, r"\bmy (?:postcode|post code|zip(?: code)?) is (?<v>[\w ]{3,10})"),
        rule(Kind::Address, r"(?:{I} (?:now )?live|{IAM}(?: now)?|\bnow) at (?<v>(?:unit |flat |apartment |no\.? ?)?\d+[a-z]?,? \p{L}.*)"),
        rule(Kind::City, r"(?:{I}|{IAM}) (?:now |currently |still )?(?:live|living|based|reside|located|staying|stay) (?:here )?in {NAME}"),
        replacing(rule(Kind::City, r"{I}(?:[’']ve|[’']re| have| are)?(?: just| recently)? (?:moved|relocated|moving|relocating) (?:(?:over|back|away|house)\s)?(?:from [\p{L} ]+? )?to {NAME}")),
        rule(Kind::City, r"{IAM} (?:in|from) {NAME}"),
        about("shoe", size(r"\bmy (?:shoe|foot|boot) size is (?:an? )?{SIZE}")),
        about("ring", size(r"\bmy ring size is {SIZE}")),
        size(r"\bmy (?:\w+ )?size is (?:an? )?{SIZE}"),
        about("shoe", size(r"{I} (?:usually |normally |always )?(?:wear|take|need) (?:an? )?{SIZE} (?:in|for) (?:boots|shoes|sneakers|sandals|heels|trainers)")),
        about("trousers", size(r"(?:{I} (?:usually |normally |always )?(?:wear|take|need|have)|{IAM}) (?:an? )?{SIZE} (?:in|for) (?:jeans|trousers|pants|shorts|skirts)")),
        size(r"{I} (?:usually |normally |always )?(?:wear|take|need) (?:an? )?{SIZE}(?:$|[,.!]| )"),
        size(r"{IAM}(?: an?)? (?<v>(?:size|uk|us|eu) \d{1,2}(?:[.,]5)?|x{1,4}[sl]\b)"),
        about("waist", rule(Kind::Size, r"\bmy (?:waist|chest|hips?|inseam|bust|collar) (?:is|measures) (?<v>\d[\d.,]*(?: ?(?:cm|inch(?:es)?|in|mm))?)")),
        about("room", rule(Kind::Size, r"\b(?:my|our|the) (?:\p{L}+ ){0,2}(?:room|ceiling|kitchen|bedroom|balcony|garden|wall|window|door|desk|table|bed|office|flat|garage|hallway|space|terrace|shelf|sofa)(?: here)? (?:is|are|measures?)(?: only| about| around| just)? (?<v>\d[\d.,]*(?: ?(?:x|by|×) ?\d[\d.,]*)? ?(?:m2|m²|sqm|square (?:met(?:re|er)s|feet)|m|cm|mm|met(?:re|er)s|feet|ft|inches)\b)")),
        about("top", size(r"\bmy (?:t-?shirts?|shirts?|jackets?|dress(?:es)?|tops?|jumpers?|coats?|sweaters?) (?:size )?(?:is|are) (?:an? )?{SIZE}")),
        about("height", rule(Kind::Size, r"{IAM}(?: about| around)? (?<v>\d(?:[.,]\d{1,2})? ?m\b|\d{2,3} ?(?:cm|centimet(?:re|er)s)|\d ?(?:ft|feet|')(?: ?\d{1,2})?)")),
        about("weight", rule(Kind::Size, r"{I} weigh(?: about| around)? (?<v>\d[\d.,]* ?(?:kg|kilos?|kilograms?|lbs?|pounds|stone))")),
        rule(Kind::Allergy, r"{IAM}(?: very| severely| highly| really)? allergic to {V}"),
        rule(Kind::Allergy, r"{I}(?:[’']ve| have)(?: got)? an? (?:severe |bad |strong )?(?<v>[\p{L} ]+?) allergy"),
        rule(Kind::Allergy, r"{I}(?:[’']ve| have)(?: got)? an? (?:severe |bad |strong )?allergy to {V}"),
        rule(Kind::Allergy, r"{I} (?:react badly|get a rash|break out|come out in hives) (?:to|from) {V}"),
        rule(Kind::Allergy, r"^(?<v>\p{L}+(?: \p{L}+)?) (?:gives?|give) me (?:a rash|hives|an allergic reaction)"),
        rule(Kind::Diet, r"{IAM} (?:a |an )?(?:strict(?:ly)? )?(?<v>vegan|vegetarian|pescatarian|lactose[ -]intolerant|gluten[ -]intolerant|coeliac|celiac)\b"),
        rule(Kind::Diet, r"{I} (?:can[’']?t|cannot|can not|don[’']t|do not|never|mustn[’']t) (?:eat|drink) {V}"),
        rule(Kind::Diet, r"{I} (?:only eat|eat only|only drink|follow an?) {V}"),
        rule(Kind::Health, r"{IAM} (?<v>diabetic|pregnant|asthmatic|epileptic|deaf|blind|hard of hearing|disabled|breastfeeding|colou?r[ -]blind)\b"),
        rule(Kind::Health, r"{IAM} on (?<v>(?:\p{L}+ )?(?:medication|medicine|insulin|antibiotics|blood thinners|antidepressants|painkillers|dialysis|chemo(?:therapy)?|the pill))\b"),
        rule(Kind::Health, r"{I} (?:often |easily |always )?get (?:very )?(?<v>(?:car|sea|motion|travel|air)[ -]?sick|migraines|headaches|nosebleeds)\b"),
        rule(Kind::Health, r"{I}(?:[’']ve| have)? (?:hurt|broke|broken|injured|sprained|twisted|tore|torn|pulled|fractured) (?<v>my (?:\p{L}+ )?\p{L}+)"),
        rule(Kind::Health, r"{I} (?:use|need|wear) (?<v>a wheelchair|(?:a )?hearing aids?|glasses|contact lenses|crutches|a walker|braces)\b"),
        rule(Kind::Health, r"{I}(?: have been| was|[’']ve been)? (?:suffer(?:ing)? from|diagnosed with) {V}"),
        rule(Kind::Health, r"{I}(?:[’']ve| have)(?: got)? (?<v>(?:an? )?(?:(?:very )?(?:sensitive|dry|oily|combination|acne[ -]prone) skin|(?:\p{L}+ ){0,2}(?:pain|diabetes|asthma|migraines?|blood pressure|eczema|arthritis|condition|disease|epilepsy|disability|problems? with \p{L}+ \p{L}+)))\b"),
        rule(Kind::Family, r"{I}(?:[’']ve| have)(?: got)? (?<v>(?:an?|one|two|three|four|five|six|\d)(?: \p{L}+){0,2}? (?:kids?|teenagers?|toddlers?|nephews?|nieces?|child|children|sons?|daughters?|twins|boys?|girls?|grandchildren|babies|baby)\b)"),
        rule(Kind::Family, r"\b(?:with|and) (?<v>(?:one|two|three|four|five|\d) (?:kids|child|children|sons|daughters))\b"),
        rule(Kind::Family, r"\b(?:my|our) (?:\p{L}+ )?(?<v>(?:wife|husband|partner|spouse|fianc[ée]e?|son|daughter|baby|twins|kids?|children|toddler|boy|girl|little one|eldest|youngest)(?:[’']s name)?(?: (?-i:\p{Lu})\p{L}+)? (?:is|are|was born|just turned|turned|turns|has|have|goes|starts|started|loves?|attends)\b[^,;.!?]*)"),
        rule(Kind::Family, r"{IAM} (?<v>married|divorced|engaged|widowed|(?:a )?(?:single|new) (?:mum|mom|dad|mother|father|parent)|a widow(?:er)?|(?:a )?(?:mother|father|mum|mom|dad|parent) of \p{L}+)\b"),
        rule(Kind::Family, r"{IAM} (?<v>(?:a )?(?:family|household|party|couple)(?: of (?:\p{L}+|\d+))?(?: with \p{L}+ \p{L}+)?)"),
        rule(Kind::Family, r"(?<v>\b(?:one|two|three|four|\d) adults? (?:and|plus|with) (?:an?|one|two|three|four|\d) (?:kids?|child(?:ren)?|teenagers?|babies|baby|toddlers?))\b"),
        rule(Kind::Pet, r"{I}(?:[’']ve| have| own)(?: got)? (?<v>(?:an?|one|two|three|four|\d)(?: \p{L}+){0,2} ?(?:dogs?|cats?|pupp(?:y|ies)|kittens?|rabbits?|hamsters?|parrots?|horses?|birds?|beagle|labrador|poodle|corgi|terrier|retriever|tortoise|guinea pigs?|goldfish|canary|budgie|ferret)\b(?: (?:called|named) \p{L}+)?)"),
        rule(Kind::Pet, r"\b(?:my|our) (?:\p{L}+ )?(?<v>(?:dogs?|cats?|puppy|kitten|rabbit|hamster|horse|parrot|bird|beagle|labrador|poodle|corgi|terrier|retriever|tortoise|budgie)(?:[’']s name)?(?: (?-i:\p{Lu})\p{L}+)? (?:is|are|has|have|loves?|needs?|can|eats?|won[’']t|doesn[’']t|keeps|hates?|weighs?|refuses?|\p{L}+s)\b[^,;.!?]*)"),
        rule(Kind::Birthday, r"\bmy birthday(?:[’']s| is)(?: on)?(?: the)? (?<v>\d[^,;!?.]*|{MONTHS}[^,;!?.]*)".replace("{MONTHS}", MONTH).as_str()),
        rule(Kind::Birthday, r"{I} was born (?:on|in) (?:the )?(?<v>[^,;!?.]*\d[^,;!?.]*)"),
        rule(Kind::Birthday, r"\b(?:my birthday|{I} turn \d+)(?: is)? (?:on|coming up on) (?:the )?(?<v>[^,;!?.]+)".replace("{I}", "i").as_str()),
        rule(Kind::Birthday, r"\bmy birthday (?:falls )?on (?:the )?(?<v>[^,;!?.]*\d[^,;!?.]*)"),
        rule(Kind::Job, r"{I} work (?:as )(?:an? )?{V}"),
        rule(Kind::Job, r"{I} work (?:from home|part[ -]time|full[ -]time|freelance|nights|here) as (?:an? )?{V}"),
        rule(Kind::Job, r"{I} (?:work (?:in|for|at)|teach|study|run|manage|own) (?<v>(?:an? |the |my own |our own )?(?:(?:\p{L}+ )?(?:hospital|school|shop|store|restaurant|bakery|cafe|café|hotel|bank|factory|farm|clinic|office|company|business|salon|studio|startup|university|warehouse|agency|laboratory)|law|medicine|engineering|finance|marketing|nursing|design|physics|chemistry|biology|maths?|history|music|english|art|architecture|economics)\b[^,;.!?]*)"),
        rule(Kind::Job, r"{IAM} an? (?<v>(?:\p{L}+ )?\p{L}+(?:ologist|ian|grapher|eer|wright|keeper|therapist|ist|warden|officer|consultant|assistant|worker|guard|cleaner|baker|butcher|barista|waiter|waitress|builder|mechanic|professor|lecturer|trainer|coach|salesman|saleswoman|soldier|nanny|midwife|paramedic|technician))\b"),
        rule(Kind::Job, r"{IAM} (?:an? )?(?:\p{L}+ )?(?<v>nurse|teacher|doctor|engineer|student|driver|chef|cook|lawyer|designer|developer|programmer|photographer|translator|farmer|accountant|electrician|plumber|carpenter|hairdresser|dentist|pilot|writer|journalist|musician|architect|manager|pharmacist|scientist|retired|self-employed|freelancer|pensioner)\b"),
        rule(Kind::Device, r"{I}(?:[’']m| am|[’']ve been| have been)?(?: now| still| also)? (?:have|using|use|own|drive|driving|got) (?:an? |the |our |my )?(?<v>(?-i:\p{Lu}[\p{L}\d\-]*)(?: [\p{L}\d\-.]+){0,6})(?:$|[,.!])"),
        rule(Kind::Device, r"{I} have (?:an? |the )?(?<v>(?-i:\p{Lu}[\p{L}\d\-]*)(?: [\p{L}\d\-]+){0,3}) at home"),
        rule(Kind::Device, r"\bmy (?<v>(?-i:\p{Lu})[\p{L}\d\-]*(?: (?-i:\p{Lu}|\d)[\p{L}\d\-]*){1,2}|(?-i:\p{Lu})\p{L}*-?\d[\p{L}\d\-]*) (?:won[’']t|doesn[’']t|does not|isn[’']t|is|keeps|stopped|can[’']t|has|shows|makes)\b"),
        rule(Kind::Device, r"\bmy (?:phone|laptop|computer|car|tablet|printer|camera|tv|television|router|washing machine|fridge|dishwasher|bike|watch|headset|machine|oven|vacuum|modem|boiler|heater|speaker|console|scooter|monitor|keyboard|drone|thermostat|mower|\p{L}+ model) is (?:an? |the )?{V}"),
        rule(Kind::Device, r"\b(?:the|my) model(?: number| name)? is (?:the )?{V}"),
        replacing(rule(Kind::Device, r"{I}(?:[’']ve| have)?(?: just)? (?:switched|upgraded|changed) to (?:an? |the )?(?<v>(?-i:\p{Lu}[\p{L}\d\-]*)(?: [\p{L}\d\-]+){0,3})")),
        rule(Kind::Ticket, r"\b(?:ticket|case|incident|reference|ref|complaint|fault|claim)(?: number| no\.?| id)?(?: is|:)? ?(?<v>#?[A-Z]{0,5}-?\d[\w\-]{2,})"),
        rule(Kind::Order, r"\b(?:order|tracking|booking|parcel|shipment|invoice|reservation|confirmation|pnr)(?: number| no\.?| id| code| reference| ref)?(?: is|:)? ?(?<v>#?(?-i:[A-Z]{0,5}-?\d[A-Za-z\d\-]{3,}|[A-Z]{1,4}\d[A-Z\d\-]{3,}))"),
        rule(Kind::Purchase, r"{I}(?:[’']ve| have)?(?: just| recently| already| also)? (?:bought|ordered|purchased|returned|subscribed to|signed up for|paid for|picked up|collected|pre-?ordered|received|chose|took out) (?<v>(?:an?|the|one|two|three|four|five|some|my|your|this|that|another|\d+) [^,;.!?]+)"),
        rule(Kind::Purchase, r"{I}(?:[’']ve| have)?(?: just)? got (?<v>(?:an?|the|two|three|my|this) [^,;.!?]+?) from (?:you|your)"),
        rule(Kind::Complaint, r"(?<v>\b(?:the|my|your|one|two|three|both|nobody|no one|you|this|it|i still|we still|i never|every|half|all|some|our)\b[^,;.!?]*\b(?:broke|broken|damaged|cracked|scratched|torn|dented|leaks|leaking|defective|faulty|missing|ruined|rude|crash(?:es|ing|ed)|terrible|awful|horrible|overcharged|charged (?:me|us) twice|wrong (?:item|size|colou?r|one)|called me back|answered|replied|stopped working|haven[’']t received|have not received|never (?:arrived|came|got|received|showed)|too late|wobbl(?:es|y)|doesn[’']t (?:work|fit|start|charge|connect|close|turn on)|does not (?:work|fit|start|charge)|didn[’']t (?:work|arrive|come|show up)|not working|keeps (?:dropping|failing|freezing|disconnecting|stopping)|drops (?:out|every|all)|freezes|smells (?:bad|awful|of)|stinks|(?:was|were|is|are|came) (?:too |very |completely |still |stone )?(?:cold|dirty|filthy|late|rotten|mouldy|stale|bent|soaked|empty|torn|dead|off|undercooked|burnt|expired)|not what i ordered|jammed|stuck|flickers|overheats|rattles|squeaks|peeling|chipped|faded|shrank|overpriced)\b[^,;.!?]*)"),
        rule(Kind::Mood, r"\b(?:i[’']m|i am|i feel)(?: also| now| just)? (?<v>(?:(?:so|very|really|quite|extremely|truly|a bit|pretty|totally) )*(?:angry|upset|disappointed|happy|frustrated|annoyed|furious|delighted|pleased|satisfied|worried|sad|stressed|thrilled|unhappy|fed up|sick of (?:this|it)|glad|grateful|excited|nervous|confused|anxious|livid|impressed|desperate|relieved|exhausted|disgusted|shocked|overjoyed))\b"),
        rule(Kind::Deadline, r"\b(?:need|needs|must|has to|have to|should|want|arrive|delivered|ready)\b[^,;!?]*?\b(?<v>(?:before|by|until|no later than|not later than) {WHEN})"),
        rule(Kind::Deadline, r"\b(?:need|needs|must|has to|have to|should|check out|leave|finish|pay)\b[^,;!?]*?\b(?<v>(?:before|by) (?:\d{1,2}(?::\d{2})? ?(?:am|pm)? )?{WHEN})"),
        rule(Kind::Deadline, r"\b(?:expires?|deadline is|due|runs out|(?:wedding|party|event|exam|test|interview|ceremony|concert|conference|competition|graduation|funeral|trip|holiday|race|launch|move) (?:is|starts|takes place)|ends) (?<v>{WHEN})"),
        rule(Kind::Appointment, r"\b(?:appointment|booked|reservation|booking|fitting|meeting|check-up|consultation|delivery|technician|installer|plumber|travel(?:l?ing)?|flying|flight|leaving|see you|come|comes|coming|visit(?:ing)?|table for|session|lesson|class|surgery|operation|pick(?:ing)? (?:it |them )?up|collect(?:ing)?|arriv(?:e|ing)|check(?:ing)? in|dropping|moving|installation|inspection|viewing|test drive|call with)\b[^,;!?]*?(?<v>{WHEN})"),
        rule(Kind::Preference, r"{I}(?: really| much| also)? (?:prefer|like|love|enjoy) (?:to )?{V}"),
        rule(Kind::Preference, r"{I}(?:[’']d| would) (?:rather (?:have |get )?|prefer (?:to (?:have |get )?)?){V}"),
        rule(Kind::Preference, r"(?<v>\b(?:mornings?|afternoons?|evenings?|weekends?|weekdays?|\p{L}+days|nights?|late \p{L}+|early \p{L}+)) (?:suits?|works?|is|are)(?: me| for me)? (?:best|better|easier|fine for me|best for me|easiest)"),
        rule(Kind::Preference, r"\b(?:book|seat|put|place|give|bring|get|reserve) (?:me|us) (?<v>(?:an?|the|some) [^,;.!?]*(?:seat|room|table|view|window|aisle|corner|floor|bed|side)[^,;.!?]*)"),
        rule(Kind::Preference, r"\b(?:just|only|always|please) (?:send|use|write)(?: me| to me)? (?<v>(?:text messages?|texts?|sms|e-?mails?|whatsapp|letters|messages|voice messages|paper bills)\b[^,;.!?]*)"),
        rule(Kind::Preference, r"\b(?:make|serve|wrap|pack) (?:it|them|mine|everything) (?<v>[^,;.!?]+)"),
        rule(Kind::Preference, r"\b(?:leave|put) (?:it|them|my \p{L}+|parcels?|packages?|deliveries) (?<v>(?:at|with|by|behind|in front of|next to|on|in) [^,;.!?]+)"),
        rule(Kind::Preference, r"{I}(?:[’']d| would) (?:want|like) (?:it |them |my \p{L}+ |the \p{L}+ )(?<v>(?:on|in|at|with|without|by|to be) [^,;.!?]+)"),
        rule(Kind::Preference, r"{I}(?:[’']d| would) want {V}"),
        rule(Kind::Preference, r"\bmy favou?rite(?: \p{L}+){0,2} (?:is|are) {V}"),
        rule(Kind::Preference, r"\b(?:contact|reach|write to|text|message|notify|update) me (?<v>(?:only )?(?:by|via|on|through|over|in the) [^,;.!?]+)"),
        rule(Kind::Preference, r"{I} (?:always|usually|normally|generally) (?:pay|order|book|sit|shop|choose|take|buy|drink|eat|go for|use|get|have|ask for|sleep|fly|stay|come|train|work out)s? {V}"),
        rule(Kind::Dislike, r"{I}(?: really| absolutely)? (?:hate|dislike|detest|can[’']?t stand|cannot stand|don[’']t like|do not like|don[’']t want|do not want|am not a fan of) (?:to )?{V}"),
        rule(Kind::Dislike, r"\b(?:please )?(?:don[’']t|do not|never|stop) (?<v>(?:call|ring|phone|email|e-mail|mail|text|message|send|calling|sending|contact)\b[^,;.!?]*)"),
        rule(Kind::Dislike, r"^(?:please )?no (?:more )?(?<v>\p{L}+s)(?: please|$)"),
        rule(Kind::Dislike, r"(?<v>[^,;.!?]+?) (?:isn[’']t|aren[’']t|is not|are not)(?: really)? (?:for me|my thing|my style|my taste|my cup of tea)\b"),
        rule(Kind::Dislike, r"{I} (?:don[’']t|do not|never) (?:really )?(?:enjoy|care for|fancy) {V}"),
        rule(Kind::Dislike, r"{IAM} not (?:a (?:big )?fan of|keen on|into|fond of) {V}"),
        rule(Kind::Dislike, r"{I} (?:try to )?avoid {V}"),
        rule(Kind::Need, r"{IAM} (?:looking|searching|shopping) for {V}"),
        rule(Kind::Need, r"{I} need (?<v>(?:an?|some|two|three|another) [^,;.!?]+)"),
        rule(Kind::Need, r"{I} (?:want|hope|plan|aim|am trying|[’']m trying) to (?<v>(?:lose|learn|improve|gain|save|replace|renovate|redecorate|build|upgrade|quit|get fit|prepare)\b[^,;.!?]*)"),
        rule(Kind::Need, r"{I} want (?<v>(?:an?|some) [^,;.!?]+)"),
        rule(Kind::Need, r"\bmy budget(?:[’']s| is) {V}"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn agent() -> Vec<Rule> {
    [
        rule(Kind::Promise, r"\b(?:i|we|our \p{L}+|they|my colleague|the workshop)(?:[’']ll| will| shall|[’']m going to|[’']re going to| are going to| am going to)(?: then| also| now)? {V}"),
        rule(Kind::Promise, r"{I} promise (?:you |to |that )?{V}"),
        rule(Kind::Promise, r"\b(?:you(?:[’']ll| will)|your (?:refund|money|parcel|order|replacement|voucher) (?:will|goes)) (?<v>(?:get|receive|have|hear|be|arrive|out)\b[^,;.!?]+)"),
        rule(Kind::Promise, r"\blet me (?<v>(?:check|ask|find out|arrange|look into)\b[^,;.!?]*(?:back to you|let you know|call you|update you)[^,;.!?]*)"),
        rule(Kind::Promise, r"\ban? (?:new |replacement )?\p{L}+(?: \p{L}+)? (?<v>(?:goes out|is on its way|will be sent|will go out)\b[^,;.!?]*)"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) static SHEET: LazyLock<Sheet> = LazyLock::new(|| {
    let never = || Regex::new("[^\\s\\S]");
    #[expect(clippy::unwrap_used, reason = "the patterns are constants; a test builds them all")]
    let compiled = |pattern: &str| Regex::new(&format!("(?i){pattern}")).or_else(|_| never()).unwrap();
    Sheet {
        customer: customer(),
        agent: agent(),
        gate: Gate {
            supposed: compiled(
                r"\b(?:if|suppose|supposing|imagine|unless|in case|let[’']s say|might|maybe|perhaps|i wish|wonder|hypothetically|could be|would be|one day|assuming|pretend)\b",
            ),
            over: compiled(r"\b(?:used to|no longer|not anymore|previously|formerly|back then)\b"),
            others: compiled(
                r"\b(?:he|she|his|her|hers|they|their|someone|somebody|people|everyone|everybody|(?:my|a|the|our|another|his|her) (?:neighbou?rs?|colleagues?|friends?|boss|cousin|sister|brother|mother|father|mum|mom|dad|aunt|uncle|landlord|landlady|teacher|seller|customer|guy|coworker|roommate|flatmate|grand\p{L}+|in-laws?|trainer|agent|niece|nephew|driver|courier))\b",
            ),
            quoted: compiled(
                r"\b(?:you|your \p{L}+|the (?:assistant|bot|agent|chatbot|website)|according to)(?: just| once)? (?:said|told|wrote|claimed|promised|says|mentioned|your|the)\b|^according to\b",
            ),
            asks: compiled(
                r"^\s*(?:and |but |so |also |then |ok |hi |hello )*(?:do|does|did|is|are|was|were|am|can|could|will|would|shall|should|may|might|has|have you|what|where|when|who|whom|whose|which|why|how)\b",
            ),
            secret: compiled(
                r"\b(?:password|passwort|passcode|passphrase|pin(?: code)?(?: is|:)|cvv|cvc|card number|credit card|debit card|iban|passport|social security|otp|one-time code|verification code|code you sent|security code|login is)\b|\bcard \d",
            ),
        },
        tail: compiled(
            r"\s+(?:but|because|so(?: that)?|when|since|until|please|though|although|which|that i|and (?:i|we|my|it|the|now|hate|love|loves)|if|last (?:week|month|year|night)|these days|right now|now|yesterday|today|in (?:january|february|march|april|may|june|july|august|september|october|november|december|19\d\d|20\d\d)|on (?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)|from (?:you|your)\b|a (?:little|bit)|at the moment|with firmware xx)(?:\s|$).*$|\s+(?:now|please|yesterday|today|haha|lol|thanks|currently)$",
        ),
        empty: compiled(
            r"^(?:it|this|that|them|one|you|to|a|an|the|help|anything|nothing|everything|something|sorry|just|not|very|here|there|back|an? (?:question|problem|idea|issue|moment|robot|human|look|answer|hand|favou?r|refund|replacement|invoice|receipt)\b.*|(?:ask|know|return|cancel|buy|order|change|get|have|see|check|speak|talk)\b.*|that \p{L}+|it .*|you .*|to .*|how .*|what .*|some (?:help|information|info|advice|time|assistance|support)\b.*|(?:the|your) (?:money|refund|manager|invoice|receipt|status|answer|link|address|number)\b.*)$",
        ),
    }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert!(SHEET.customer.len() > 60, "{}", SHEET.customer.len());
        assert_eq!(SHEET.agent.len(), 5);
    }
}
