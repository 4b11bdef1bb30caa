//! What facts look like in English.

use std::sync::LazyLock;

use super::{
    Kind,
    gate::Gate,
    lexicon::{ANIMALS, BRANDS, DIETS, ILLNESSES, JOBS},
    sheet::{Rule, Rules, Sheet, about, asking, compiled, replacing},
};

/// A value up to the next comma or stop.
const V: &str = r#"(?<v>[^,;.!?()"]+(?:\.\d[^,;.!?()"]*)*)"#;
/// A name of somebody or something: capitalised words.
const NAME: &str = r"(?<v>(?-i:\p{Lu}[\p{L}'’\-]*(?: \p{Lu}[\p{L}'’\-]*){0,3}))";
const LANGUAGE: &str = r"(?<v>english|chinese|mandarin|cantonese|malay|spanish|german|french|italian|portuguese|japanese|korean|thai|vietnamese|indonesian|russian|arabic|hindi|tamil|dutch|polish|turkish|ukrainian|swedish|tagalog|filipino|cebuano|bengali|urdu|punjabi|gujarati|marathi|telugu|kannada|malayalam|nepali|sinhala|burmese|khmer|hokkien|hakka|teochew|taiwanese|bahasa(?: \p{L}+)?|javanese|persian|farsi|hebrew|greek|czech|slovak|hungarian|romanian|bulgarian|croatian|serbian|danish|norwegian|finnish|welsh|irish|catalan|swahili|somali|yoruba|igbo|hausa|afrikaans)";
const MONTH: &str = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
const DAY: &str =
    r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|(?-i:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun))";
/// An hour: "8pm", "half eight", "noon".
const HOUR: &str = r"(?:half (?:past )?\w+|quarter (?:past|to) \w+|noon|midday|midnight|\d{1,2}(?:[:.]\d{2})? ?(?:am|pm|o[’']clock|hrs?|h)?)";
/// A moment: with an optional hour before or after.
const WHEN: &str = r"(?:(?:on |at |for |in )?(?:the )?(?:(?:next |this |coming )?DAY(?: (?:morning|afternoon|evening|night|(?:the )?\d{1,2}(?:st|nd|rd|th)?))?(?: MONTH)?|tomorrow(?: morning| afternoon| evening| night)?|tonight|this (?:morning|afternoon|evening)|the day after tomorrow|next (?:week|month)|\d{1,2}(?:st|nd|rd|th)?(?: of)? MONTH(?: \d{4})?|MONTH \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?|\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{1,2}(?:st|nd|rd|th)|christmas(?: eve| day)?|new year[’']s(?: eve| day)?|easter|diwali|deepavali|hari raya|eid|ramadan|chinese new year|cny|thanksgiving|valentine[’']s(?: day)?|mother[’']s day|father[’']s day)(?:,? (?:at |between |from |around |about )?HOUR(?: ?(?:and|to|-|–) ?HOUR)?)?)";
/// What somebody has to be ready for.
const EVENT: &str = r"(?:(?:the |my |our |his |her )(?:\p{L}+[’']?s? )?(?:wedding|party|birthday|exams?|interview|trip|flight|holiday|move|funeral|ceremony|graduation|conference|competition|race|launch|christening|anniversary|term|season|inspection|visit|weekend|deadline)|the end of (?:the |this |next )?(?:day|week|month|year|term|\p{L}+)|end of (?:the |this )?(?:day|week|month|year|term)|(?:school|term|ramadan|winter|summer|the monsoon) (?:starts|begins)|(?:next|this) (?:week|month|weekend|summer|winter|spring|autumn))";
/// The people of a family.
const KIN: &str = r"(?:wife|husband|hubby|partner|spouse|fianc[ée]e?|girlfriend|boyfriend|son|daughter|baby|newborn|twins?|kids?|child(?:ren)?|toddlers?|boys?|girls?|little ones?|little (?:boy|girl)|eldest|oldest|youngest|middle one|teenagers?|grand(?:son|daughter|child(?:ren)?|kids)|parents|folks|step(?:son|daughter))";
/// What is worn.
const GARMENT: &str = r"(?:t-?shirts?|shirts?|blouses?|jackets?|blazers?|coats?|dress(?:es)?|gowns?|skirts?|tops?|jumpers?|sweaters?|hoodies?|suits?|trousers?|pants|jeans|shorts|leggings|bras?|gloves?|hats?|caps?|helmets?|belts?|socks?|boots?|shoes?|sneakers|trainers|sandals|heels|rings?|wetsuits?|uniforms?)";
/// What goes wrong.
const TROUBLE: &str = r"(?:broke(?:n)?|damaged|cracked|scratched|torn|(?:is|was|are|were|has|got|came) (?:ripped|split)|dented|leak(?:s|ed|ing)|drip(?:s|ped|ping)|defective|faulty|(?:is|are|was|were|[’']s|been|went|gone|a \p{L}+|\p{L}+s|one|two|half) missing|missing (?:from|a|the|one|two|half|several|some)|ruined|rude|crash(?:es|ing|ed)|terrible|awful|horrible|appalling|shambles|disgrace(?:ful)?|shocking|unusable|overcharged|(?:double|over)[- ](?:charged|billed|booked)|(?:charged|billed|debited) (?:me |us |my \p{L}+ )?(?:twice|again|double|three times)|(?:twice|double) (?:charged|billed)|wrong (?:item|size|colou?r|one|order|address|name|way|model|flowers|parcel|table|person|amount|date)|mix(?:ed)?[- ]?up|stopped (?:working|responding|charging|heating|cooling|spinning|draining|ringing|printing|playing|connecting|updating|recording|loading|syncing)|has(?:n[’']?t| not) (?:arrived|come|been (?:delivered|refunded|processed|updated|fixed|collected|credited|answered|cancelled|sent|dispatched|read|repaired)|shown|worked|turned up|moved|updated|started|replied|gone through)|have(?:n[’']?t| not) (?:arrived|come|received|heard (?:back|anything|a thing)|had (?:a|any) (?:reply|answer|response|refund|heating|power)|got (?:my|the|it|a reply|an answer|any))|still (?:waiting|nothing|no (?:sign|reply|answer|refund|news|heating|hot water|power|signal|delivery|parcel|response|luck)|has(?:n[’']?t| not)|have(?:n[’']?t| not) (?:received|had|got|heard|arrived|come)|not (?:arrived|working|here|fixed|refunded|delivered|received|resolved|turned up)|isn[’']t (?:working|here|fixed)|broken|doesn[’']t work|won[’']t)|never (?:arrived|came|got|received|showed|turned|called|rang|replied|answered|worked|shows|answers|comes|turns up)|(?:nobody|no one|no-one|none of you)(?: at \p{L}+| there| from \p{L}+)?(?: has| have| is| ever| even)* (?:called|came|comes|told|answered|answers|replied|replies|picks?|picked|turned|turns|showed|shows|responded|responds|bothered|helped|helps|rang|contacted|knows|seems|explained|warned|informed|emailed|got back|can tell)|too late|(?:an hour|hours?|days?|weeks?|minutes|mins|months?) (?:late|overdue)|\d+ ?(?:h|hrs?|hours?|days?|weeks?|min(?:ute)?s?) (?:late|overdue)|wobbl(?:es|y|ing)|doesn[’']?t (?:work|fit|start|charge|connect|close|open|turn|load|match|stay|fasten|print|respond|heat|cool|lock|show|sync|stop)|does not (?:work|fit|start|charge|connect|close|open|turn|load|match|stay)|didn[’']?t (?:work|arrive|come|show|turn|fit|get|reply|bother|even)|won[’']?t (?:start|turn|open|close|shut|connect|load|charge|stop|stay|sync|work|budge|print|switch|log|let|lock|go|accept|play|boot|update)|can(?:[’']?t|not) (?:log|sign|open|access|connect|get (?:in|into|through|it)|print|see anything)|(?:is|are|was|were|been|be) not (?:working|cooling|heating|charging|loading|responding|connecting)|isn[’']t (?:working|cooling|heating|charging|loading|responding)|not working|keeps? (?:on )?(?:dropping|failing|freezing|disconnecting|stopping|crashing|cutting|going (?:off|down|flat)|coming (?:off|loose|undone)|turning (?:off|itself)|restarting|rebooting|resetting|flashing|beeping|blinking|slipping|falling|breaking|leaking|switching|losing|jamming|sticking|buffering|lagging|kicking|logging|charging me|loosening|popping|squeaking|rattling|overheating|tripping|locking)|drops? (?:out|every|all)|(?:app|screen|page|site|website|it|picture|stream)(?:[’']s| is| has| just)* (?:froze|freezes|frozen)|smells?(?: \p{L}+)? (?:bad|awful|of|like|damp|burnt|funny|rancid|rotten|sour|weird|strange|musty|stale|burning|foul)|stinks?|stank|snapped|packed in|conked out|gave out|given out|blew up|blown|burst|shattered|warped|(?:swallowed|ate|kept) my|a different (?:model|colou?r|size|one|person)|nothing in|(?:(?:it|\p{L}{3,}|\p{L}*\d) (?:was|were|is|are|got|has been|have been)|\p{L}{2,}[’']s|came|arrived|turned up|got here|looks?|looked)(?: all| too| very| completely| totally| still| stone| half| quite| badly| a bit)* (?:cold|lukewarm|dirty|filthy|late|rotten|mouldy|moldy|stale|bent|soaked|soaking|wet|soggy|empty|torn|dead|dying|wilted|wilting|droopy|brown|off|undercooked|overcooked|burnt|raw|expired|squashed|crushed|stained|blurry|crooked|loose|unplugged|stuck|blocked|clogged|cancelled|canceled|moved without|lost|scuffed|chewed|sticky|grimy|mould|smashed|melted|thawed|defrosted|lumpy|clumpy|shattered|flat|out of (?:date|tune|order)|double[- ]booked|estimated|too high|unhelpful|disappointing|sold out|rejected|denied|declined)\b|smashed|melted|defrosted|leaked|spilt|spilled (?:all|over|in|everywhere)|out of date|past (?:its|the|their) (?:date|best|sell|use)|(?:went|gone) off|(?:bill|price|cost|premium|charge|reading)s?[^,;.!?]* (?:doubled|tripled|jumped|shot up|too high|higher than|is wrong|went up)|charged (?:me |us )?(?:for|extra|more|the full)|(?:stains?|marks?|spots?) (?:is |are |was |were )?(?:still|on|all over|down|left)|still (?:has|have|there|stained|dirty|wet|smells?|damp|hurts)|colou?rs? (?:has |have )?(?:ran|run|bled)|buttons? (?:is |are |was |were |has |have )?(?:missing|gone|come off|came off|broken)|lost (?:a|two|three|the|its) buttons?|no (?:hot water|heating|power|electricity|gas|sound|picture|subtitles|refund|reply|response|internet|signal|apology|explanation)\b|power cut|black ?out|dead on arrival|buzz(?:es|ing)?|hum(?:s|ming) |out of tune|refus(?:es|ed|ing) to|turned (?:me|us) away|wouldn[’']?t (?:let|refund|help|start|open|accept|scan|take)|couldn[’']?t (?:get in|log in|find anyone|reach|even|scan|use)|queued? for|poor quality|bad quality|not as (?:described|advertised|pictured|shown)|nothing like|irritat(?:ed|es) my|burn(?:s|t|ed) my|stings|ruining|pilling|bobbl(?:ed|ing)|peels|clumps|dries out|drains (?:in|within|so|too)|battery (?:dies|drains|lasts only|only lasts|is dead)|runs out (?:in|after|within)|undercooked|not (?:what|the one) i ordered|jammed|flickers?|flickering|overheat(?:s|ing)|rattl(?:es|ing)|squeak(?:s|ing|y)|grinding|peel(?:s|ed|ing)|chipped|chip in|faded|shrank|shrunk|overpriced|down again|gone down|outage|offline|slipping|losing (?:pressure|power|signal|charge|air)|(?:came|come|coming|comes|fell|falling|falls) (?:apart|off|undone|loose|away|unstitched)|without (?:notice|warning|telling me|asking me|permission)|\d[\d.]* ?(?:cm|mm|inch(?:es)?) (?:shorter|longer|too|off|out)|(?:shorter|longer|smaller|bigger|thinner) than (?:the|it|described|shown|advertised|promised|ordered)|too (?:tight|loose|small|big|short|long|narrow|wide) (?:on me|on the|around|at the)|(?:a|one|two|three) sizes? too|hung up on me|kept (?:me|us) waiting|kept waiting|waited (?:an?|for|over|two|three|\d+)|(?:a|big|huge|nasty|deep|long) (?:hole|scratch|dent|stain|crack|tear|gash|mark|rip)|holes in|cockroach(?:es)?|bed ?bugs|mould|mold|lost my|error (?:code|message|\d+)|black screen|blank screen|blue screen|(?:strange|weird|funny|horrible|loud|awful|grinding|clicking|buzzing|humming) (?:noise|sound|smell)|(?:double|wrong) (?:charge|amount|price|bill)|(?:ignored|ignoring) (?:me|us|my)|let (?:me|us) down|misleading|lied to|ripped off|scam(?:med)?)";
/// Other people than the writer and their family.
const PEOPLE: &str = r"\b(?:my|a|an|the|our|another|his|her|their|one of my)(?: (?:old|previous|former|best|new|younger|older|elder|little|big|late|poor|dear|good|ex-?))? (?:neighbou?rs?|interns?|colleagues?|friends?|boss|cousins?|sisters?|brothers?|mother|father|mum|mom|dad|aunt(?:ie)?|uncle|landlord|landlady|coworkers?|co-workers?|roommates?|flatmates?|housemates?|grand(?:ma|pa|mother|father|mum|dad|parents|an)|gran|nan|nephew|niece|in-laws?|(?:mother|father|sister|brother)-in-law|budd(?:y|ies)|mates?|workmates?|manager|supervisor|secretary|clients?|guests?|tenants?|students?|pupils?|best man|bridesmaids?|classmates?|employees?|staff|lodger|ex|people next door|gym buddy|customer)(?:[’']s?)?\b|\bsome (?:lady|woman|man|guy|bloke|girl|boy|people)\b|\b(?:the|that|this) (?:guy|lady|woman|man|bloke|fellow|chap|gentleman|couple|family) (?:at|on|in|next|behind|from|who|i)\b|\b(?:my|his|her)(?: (?:old|former|previous|new|ex-?))? (?:teacher|seller|trainer|agent|driver|courier|postman|cleaner|doctor)\b";
/// How somebody feels.
const FEELING: &str = r"(?:angry|upset|diss?app?ointed|happy|happier|frustrated|annoyed|furious|fuming|raging|delighted|pleased|satisfied|worried|sad|stressed|thrilled|unhappy|fed up|sick(?: and tired)? of (?:this|it|waiting|being|all)|glad|grateful|thankful|excited|nervous|confused|anxious|livid|impressed|desperate|relieved|exhausted|disgusted|shocked|overjoyed|gutted|devastated|heartbroken|chuffed|ecstatic|over the moon|on cloud nine|at my wit[’']?s[’']? end|at the end of my (?:tether|rope)|close to tears|in tears|near tears|in bits|losing (?:patience|it|my patience|my mind|the will)|out of patience|beside myself|cross|irritated|embarrassed|panicking|in a panic|scared|terrified|tense|bitter|miserable|lonely|cheesed off|peeved|hopping mad|hacked off|pissed(?: off)?|not (?:amused|happy|impressed|pleased|best pleased|a happy \p{L}+))";

/// A subject in the first person with its helpers, or none at the beginning of a clause: "Ordered two shirts".
const SOFT: &str = r"(?:\b(?:i|we)(?:[’'](?:ve|d|m|re|ll)| have| had| would| am| are| will)?(?: (?:just|also|only|recently|already|finally|always|usually|really|actually|still|now|once again))*\s+|(?:^|[,;:.!…—–-]\s*|\b(?:and|but|so|also|oh|plus|then|hi|hello|hey|btw)\s+)(?:just |recently |already |also |finally |really )?)";
/// A street with its number, to the end of what is said.
const STREET: &str = r"(?:(?:(?:unit|flat|apt\.?|apartment|no\.?|block|blk|lot|house|suite|room|level|floor|#) ?[\w\-/#]+,? (?:block \w+,? )?)*(?:\d+[a-z]?(?:[-/]\d+)?,? (?:(?-i:\p{Lu})[\p{L}’'.]* ){1,4}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|close|court|ct|mews|crescent|way|place|pl|square|terrace|gardens?|grove|hill|park|row|walk|boulevard|blvd|heights|rise|view|wharf|quay|green|yard)\b|(?:\b\d+[a-z]?,? )?\b(?:jalan|jln|lorong|taman|persiaran|lebuh|kampung|changkat|soi)\b)[^;!?]*)";
/// A number of ours: letters, digits and hyphens, with a digit.
const CODE: &str = r"#?(?-i:(?:[A-Z]{1,6}[-/]?){0,3}\d[A-Z\d]*(?:[-/][A-Z\d]+)*)";

fn rule(kind: Kind, pattern: &str) -> Rule {
    let when = WHEN.replace("HOUR", HOUR).replace("DAY", DAY).replace("MONTH", MONTH);
    let pattern = pattern
        .replace("{S}", SOFT)
        .replace("{STREET}", STREET)
        .replace("{CODE}", CODE)
        .replace("{EVENT}", EVENT)
        .replace("{KIN}", KIN)
        .replace("{GARMENT}", GARMENT)
        .replace("{TROUBLE}", TROUBLE)
        .replace("{FEELING}", FEELING)
        .replace("{ANIMAL}", &format!("(?:{ANIMALS})"))
        .replace("{BRAND}", &format!("(?:{BRANDS})"))
        .replace("{DIET}", &format!("(?:{DIETS})"))
        .replace("{ILLNESS}", &format!("(?:{ILLNESSES})"))
        .replace("{JOB}", &format!("(?:{JOBS})"))
        .replace("{V}", V)
        .replace("{NAME}", NAME)
        .replace("{LANGUAGE}", LANGUAGE)
        .replace("{WHEN}", &when)
        .replace("{I}", r"\b(?:i|we)")
        .replace(
            "{IAM}",
            r"\b(?:i|we)(?:[’']m|[’']re| am| are)(?: also| now| usually| currently| actually| still| just)?",
        );
    Rule::new(kind, &pattern)
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
        about(
            "shoe",
            size(
                r"{I} (?:usually |normally |always )?(?:wear|take|need) (?:an? )?{SIZE} (?:in|for) (?:boots|shoes|sneakers|sandals|heels|trainers)",
            ),
        ),
        about(
            "trousers",
            size(
                r"(?:{I} (?:usually |normally |always )?(?:wear|take|need|have)|{IAM}) (?:an? )?{SIZE} (?:in|for) (?:jeans|trousers|pants|shorts|skirts)",
            ),
        ),
        size(r"{I} (?:usually |normally |always )?(?:wear|take|need) (?:an? )?{SIZE}(?:$|[,.!]| )"),
        size(r"{IAM}(?: an?)? (?<v>(?:size|uk|us|eu) \d{1,2}(?:[.,]5)?|x{1,4}[sl]\b)"),
        about("waist", rule(Kind::Size, r"\bmy (?:waist|chest|hips?|inseam|bust|collar) (?:is|measures) (?<v>\d[\d.,]*(?: ?(?:cm|inch(?:es)?|in|mm))?)")),
        about("room", rule(Kind::Size, r"\b(?:my|our|the) (?:\p{L}+ ){0,2}(?:room|ceiling|kitchen|bedroom|balcony|garden|wall|window|door|desk|table|bed|office|flat|garage|hallway|space|terrace|shelf|sofa)(?: here)? (?:is|are|measures?)(?: only| about| around| just)? (?<v>\d[\d.,]*(?: ?(?:x|by|×) ?\d[\d.,]*)? ?(?:m2|m²|sqm|square (?:met(?:re|er)s|feet)|m|cm|mm|met(?:re|er)s|feet|ft|inches)\b)")),
        about(
            "top",
            size(
                r"\bmy (?:t-?shirts?|shirts?|jackets?|dress(?:es)?|tops?|jumpers?|coats?|sweaters?) (?:size )?(?:is|are) (?:an? )?{SIZE}",
            ),
        ),
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
        rule(
            Kind::Birthday,
            r"\bmy birthday(?:[’']s| is)(?: on)?(?: the)? (?<v>\d[^,;!?.]*|{MONTHS}[^,;!?.]*)"
                .replace("{MONTHS}", MONTH)
                .as_str(),
        ),
        rule(Kind::Birthday, r"{I} was born (?:on|in) (?:the )?(?<v>[^,;!?.]*\d[^,;!?.]*)"),
        rule(
            Kind::Birthday,
            r"\b(?:my birthday|{I} turn \d+)(?: is)? (?:on|coming up on) (?:the )?(?<v>[^,;!?.]+)"
                .replace("{I}", "i")
                .as_str(),
        ),
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
        // Said in more ways.
        rule(Kind::Name, r"\b(?:booking|booked|reservation|reserved|table|room|order|account|file|policy|registered|subscription|membership|tenancy|it)\b[^;!?]*?,? under(?: the name(?: of)?| my name,?)? {NAME}"),
        rule(Kind::Name, r"(?:^|[,;.!] ?|\bmy |\bthe |\bfull )(?:name|surname|first name|full name)(?: on (?:the|my|our) \p{L}+)?(?:[’']s| is|:) ?{NAME}"),
        rule(Kind::Name, r"\b(?:i am|i[’']m) (?-i:(?:Mr|Mrs|Ms|Miss|Dr|Madam|Sir|Prof)\.? )(?<v>(?-i:\p{Lu}[\p{L}'’\-]*(?: \p{Lu}[\p{L}'’\-]*)?))"),
        rule(Kind::Name, r"^(?:(?:hi|hello|hey|dear|good \w+)[^,.!]{0,20}[,.!]?\s*)?(?:it[’']s|this is|i[’']m|i am) {NAME}(?: here| again| from|$|[,.!(])"),
        rule(Kind::Name, r"(?:^|[,.!] ?)(?:it[’']s )?{NAME} (?:here|speaking|again|writing)\b"),
        rule(Kind::Name, r"\b(?:signed up|registered|booked|enrolled|checked in|listed|down) as {NAME}"),
        rule(Kind::Name, r"\b(?:regards|sincerely|best wishes|rgds|yours truly|yours faithfully|kind regards)[,.]?\s+{NAME}\W*$"),
        rule(Kind::AddressForm, r"\bprefer (?:to be called |being called )?(?<v>(?-i:\p{Lu}\p{L}+)) (?:to|over|rather than) (?-i:\p{Lu})"),
        rule(Kind::Name, r"\bprefer (?-i:\p{Lu}\p{L}+) (?:to|over|rather than) (?<v>(?-i:\p{Lu}\p{L}+))"),
        rule(Kind::AddressForm, r"\b(?:everyone|everybody|people|friends|most people|they all|my friends) (?:just )?calls? me {NAME}"),
        rule(Kind::AddressForm, r"\b(?:just|simply|plain) {NAME} (?:is fine|will do|please|is enough|is ok(?:ay)?)"),
        rule(Kind::AddressForm, r"(?:^|[,.!] ?){NAME} (?:is fine|will do), (?:no need|not|never|please)"),
        asking(rule(Kind::AddressForm, r"\b(?:call|calling|address|addressing) me {NAME}")),
        rule(Kind::AddressForm, r"\b(?:known as|answer to|goes by|go by the name(?: of)?) {NAME}"),
        rule(Kind::Language, r"\b(?:letters?|e-?mails?|messages?|invoices?|documents?|papers?|contracts?|instructions|notes?|it|them|everything|calls?|updates?)\b[^,;.!?]*? in {LANGUAGE}\b"),
        rule(Kind::Language, r"\b(?:more comfortable|better|easier|happier|prefer(?: it)?|stick|chat|writing)(?: \p{L}+)? (?:in|with|to|speaking) {LANGUAGE}\b"),
        rule(Kind::Language, r"\b(?:prefer|in) {LANGUAGE},? (?:please|if possible|if you can|thanks)"),
        rule(Kind::Language, r"\bmy {LANGUAGE} is (?:much |a lot |far )?(?:better|stronger|easier)"),
        about("email", rule(Kind::Contact, r"(?<v>[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+)")),
        about("phone", rule(Kind::Contact, r"\b(?:text|call|ring|reach|whatsapp|phone|mobile|cell|contact|tel|number|no|line|wechat|get me|get hold of me)\b[^\d+?!]{0,30}(?<v>\+?\d[\d \-()]{6,17}\d)")),
        about("phone", rule(Kind::Contact, r"(?<v>\+\d{1,3}[ \-]?\(?\d[\d \-()]{5,14}\d)")),
        about("channel", rule(Kind::Contact, r"(?<v>\b(?:whatsapp|texts?|texting|sms|e-?mail|telegram|wechat|line|signal|phone calls?|calls?|a call|a text|messenger)(?: me)?) (?:is|are|works?|would be|suits?)(?: me)?(?: much| always| by far)? (?:better|best|easier|easiest|preferred|quickest|the best way)")),
        about("channel", rule(Kind::Contact, r"\b(?:best|easiest|quickest|better)(?: way)? to (?:reach|get|contact|catch) me (?:is|on|by|via|through)(?: by| via| on)? (?<v>(?:whatsapp|text|sms|e-?mail|telegram|wechat|line|signal|phone))(?:$|[,.!;])")),
        rule(Kind::Address, r"\b(?:my|our|me|us|i|we|address|deliver\w*|send|ship|post|parcels?|moved?|live|living|home|place|package|courier|drop|leave|tenant|residence|resident|collect|here|at)\b[^?!;]*?(?<v>{STREET})"),
        rule(Kind::Address, r"\baddress\b[^:?!;]{0,30}: ?(?<v>\S[^;!?]*\d[^;!?]*)"),
        rule(Kind::City, r"(?:^|[,;.!] ?|\band ){NAME} is (?:home|where (?:i|we) (?:live|are|stay)|our home|my home)"),
        rule(Kind::City, r"(?:{I}|{IAM})(?: (?:out|over|up|down|here|right|all|just|now|based|living|located|staying|currently|actually|still))* (?:live |living |based |settled |stay )?(?:out |over |up |down |here |just )?(?:in|outside|near) {NAME}"),
        rule(Kind::City, r"(?:^|[,;.!] ?|\band |\bbut )(?:live|based|living|located) (?:over |out |up |down |here )?(?:in|at|outside|near) {NAME}"),
        replacing(rule(Kind::City, r"(?:{I}(?:[’']ve|[’']re| have| are)?|^|[,.!] ?)(?: ?just| ?recently| now| all)* ?(?:moved|relocated|shifted|transferred|migrated)(?: \p{L}+){0,2} to {NAME}")),
        rule(Kind::City, r"\b(?:writing|calling|messaging|greetings|hello|hi|ordering) (?:to you )?from {NAME}"),
        about("body", rule(Kind::Size, r"(?:^|[,;.] ?|\bmy |\bour |\band )(?:\p{L}+ )?(?:chest|waist|hips?|inseam|inside leg|bust|collar|neck|sleeves?|shoulders?|feet|foot|calf|calves|wrists?|head|ring finger|thighs?|height|weight|pd|pupillary distance)(?: circumference| length| size| width)?(?: is| are| measures?|[’']s|:)?(?: about| around| roughly| exactly| an?)* (?<v>(?:wide |narrow |size )?\d[\d./½]*(?: and a half)?(?: ?(?:cm|kg|m|mm|inch(?:es)?|in|ft|feet|lbs?|stone)\b)?)")),
        about(
            "garment",
            rule(
                Kind::Size,
                &format!(
                    r"(?:^|[,;.] ?|\bmy |\band |\bfor |\b(?:i|we) (?:take|wear|need) )(?:{GARMENT})(?: size)?(?: is| are|[’']s|:|,)?(?: an?| size)? (?<v>\d{{2}}/\d{{2}}|{inner}",
                    inner = &SIZE[5..]
                ),
            ),
        ),
        size(
            r"{IAM}(?: usually| normally| always| about| roughly| generally)?(?: an?)? (?<v>(?:size |uk |us |eu )*\d{1,2}(?:[.,]5)?(?: wide| narrow| long| short| regular)?|(?:extra )?(?:small|medium|large)|x{0,4}[sl])(?: in| on top|$|[,.!;])",
        ),
        size(
            r"{S}(?:take|wear|need|fit(?: into)?|order)s? (?:an? )?(?<v>(?:size |uk |us |eu |extra )*(?:\d{1,2}(?:[.,]5)?(?: wide| narrow| long| short| regular)?|small|medium|large|x{0,4}[sl]))\b(?:$|[,.!;]| (?:in|for|on|these|now|shoes?|boots?|shirts?|gloves?|helmet))",
        ),
        rule(Kind::Allergy, r"(?:^|[,;.:!] ?|\b(?:that|as|since|because|and|but|so) )(?<v>[\p{L}’'\-]+(?: [\p{L}’'\-]+){0,3}?) (?:always |really |just )?(?:makes?|gives?|brings?|leaves?|sets?|sends?|triggers?|causes?|could|can|would|will|nearly|almost|once)\b(?: put| have| kill(?:ed)?)?[^,;.!?]*\b(?:me|my|off my|us)\b[^,;.!?]*\b(?:swell\w*|swollen|itch\w*|rash|hives|sneez\w*|wheez\w*|throat|breath\w*|hospital|a&e|ambulance|stream\w*|puff\w*|break out|blisters?|welts|epi-?pen|anaphyla\w*|kill|hay ?fever|sinus\w*|nose|meltdown|migraines?|cramps|bloat\w*|ill|sick)\b"),
        rule(Kind::Allergy, r"{S}(?:react(?: very| really)?(?: badly| terribly| strongly)?|come out in \p{L}+|came out in \p{L}+|break out(?: in \p{L}+)?|broke out(?: in \p{L}+)?|swell up|swelled up|get hives|get (?:a )?rash(?:es)?|get itchy) (?:to|with|from|after|when (?:i|we) (?:eat|touch|have|take|use|wear|drink)|if (?:i|we) (?:eat|touch|have|take|use|wear)|near|around) (?:even )?{V}"),
        rule(Kind::Allergy, r"\b(?:allergy|allergies|allergic)(?: to|:| is| are) {V}"),
        rule(Kind::Allergy, r"\b(?:my|our) (?:severe |bad )?(?<v>\p{L}+(?: \p{L}+)?) allergy\b"),
        rule(Kind::Allergy, r"\b(?:epi-?pen|antihistamines?) (?:for|because of|in case of) {V}"),
        rule(Kind::Diet, r"(?:{I}|{IAM}|\bmy|\bme|\bus)\b[^,;.!?]*?\b(?<v>{DIET})\b"),
        rule(Kind::Diet, r"(?<v>\b{DIET}(?: meals?| food| options?| diet| menu| only)?) (?:for (?:me|us|mine)|please|only|always|at home|household|family)\b"),
        rule(Kind::Diet, r"\b(?:arrange|book|need|want|order|request|have|prepare|serve)(?: \p{L}+)? (?:an? |the )?(?<v>{DIET} (?:meals?|food|option|diet|menu|set|version))"),
        rule(Kind::Diet, r"\bno (?<v>(?:pork|beef|meat|dairy|gluten|nuts|shellfish|seafood|alcohol|lard|eggs?|sugar|fish|red meat|onions?(?: or garlic)?|garlic)\b[^,;.!?]*?) (?:for (?:me|us)|please|in our|at home)"),
        rule(Kind::Diet, r"{S}(?:given up|gave up|cut out|stopped eating|stay away from|off|keep off|keep away from|avoid|skip) (?<v>(?:all )?(?:pork|beef|meat|red meat|dairy|milk|gluten|wheat|carbs|shellfish|seafood|alcohol|caffeine|eggs?|sugar|fish|lactose)\b[^,;.!?]*)"),
        rule(Kind::Health, r"(?:{I}|{IAM}|\bmy)\b[^,;.!?]*?\b(?<v>(?:(?:type [12]|type one|type two|mild|severe|chronic|slight|bad|terrible) )?{ILLNESS})\b"),
        rule(Kind::Health, r"\b(?:had|having|recovering from|recover from|back from|after|since|post|following|get over|from) (?:my |an? |the )?(?<v>(?:\p{L}+ ){0,2}(?:surgery|operation|op|stroke|heart attack|c-section|caesarean|bypass|transplant|hip replacement|knee replacement|fracture|miscarriage|concussion|injury|chemo(?:therapy)?))\b"),
        rule(Kind::Health, r"\bmy (?<v>(?:left |right |bad |dodgy |lower |upper |old )*(?:back|knees?|shoulders?|hips?|ankles?|wrists?|neck|foot|feet|legs?|arms?|elbows?|achilles|eyesight|hearing|heart|spine|skin|eyes)(?: is| are| has| have|[’']s)? (?:hurts?|hurting|aches?|aching|plays? up|playing up|gives? way|went|gone|bad|sore|broken|weak|very dry|dry|oily|sensitive|failing|killing me|not good|not great))\b"),
        rule(Kind::Health, r"{IAM}? ?(?<v>(?:\d+|\p{L}+) (?:weeks|months) pregnant|expecting (?:a baby|our|my|twins|in)\b[^,;.!?]*)"),
        rule(Kind::Family, r"(?<v>\b(?:my|our)(?: \p{L}+){0,2}? {KIN}(?:,? (?-i:\p{Lu}\p{L}+))?,? (?:\(?(?:aged?|who(?:[’']s| is)|is|are|just turned|turning|turned|turns) )?(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen)\b(?: ?(?:months?|years?|weeks?|yrs?|yo|y/o)(?: old)?)?)"),
        rule(Kind::Family, r"\b(?:with|for|and|bring(?:ing)?|plus|me,|of) (?<v>(?:my|our)(?: \p{L}+){0,2}? {KIN}(?:,? (?-i:\p{Lu}\p{L}+))?)(?:$|[,.!;]|\s)"),
        rule(Kind::Family, r"(?<v>\b(?:my|our) (?:\p{L}+ )?{KIN}) (?:will|is|are|also|comes?|coming|lives?|joins?|joining|sleeps?|suffers?|can[’']?t|needs?|wears?|uses?|plays?|got|and i|and me)\b"),
        rule(Kind::Family, r"(?<v>\b(?:my|our) (?:\p{L}+ )?(?:wife|husband|partner|fianc[ée]e?|son|daughter|eldest|youngest|little one|baby|boy|girl) (?-i:\p{Lu}\p{L}+))"),
        rule(Kind::Family, r"\bwith (?<v>(?:an? |our |my )(?:newborn|baby|toddler|(?:\d+|two|three|four|five|six|seven|eight|nine|ten)[- ](?:year|month|week)s?[- ]old))"),
        rule(Kind::Family, r"\b(?<v>(?:mother|father|mum|mom|dad|parent|single (?:mum|mom|dad)|grandmother|grandfather) (?:of|to) (?:\p{L}+|\d))\b"),
        rule(Kind::Family, r"\b(?:there are|there[’']s|we are|we[’']re) (?<v>(?:a family of )?(?:two|three|four|five|six|seven|\d)(?: of us)?)(?: of us)? ?(?:at home|in the (?:house|family|household|flat)|under one roof|of us|in our)"),
        rule(Kind::Family, r"{S}(?:expecting|had|welcomed|adopted) (?<v>(?:a |our |my )?(?:second |first |third |new )?(?:baby|child|twins|son|daughter|boy|girl)\b[^,;.!?]*)"),
        rule(Kind::Pet, r"\b(?<v>(?:my|our)(?: \p{L}+){0,2}? {ANIMAL}(?:,? (?-i:\p{Lu}\p{L}+))?)\b"),
        rule(Kind::Pet, r"(?:{I}(?:[’']ve| have| own| keep| got| adopted| rescued| share| brought| bought)|\b(?:have|own|adopted|rescued|bringing|travel(?:l?ing)? with|live with|owner of|got|with|keep))(?: got| just| also| recently)* (?<v>(?:an?|one|two|three|four|\d+)(?: [\p{L}\d\-]+){0,4}? {ANIMAL}(?:,? (?:called |named )?(?-i:\p{Lu}\p{L}+))?)\b"),
        rule(
            Kind::Birthday,
            &format!(
                r"\b(?:birthday|b[ -]?day|born|date of birth|dob|d\.o\.b\.?|birth ?date)(?:[’']s| is| was| falls|:)?(?: on| in)?(?: the)? (?<v>\d{{1,4}}[/.\-]\d{{1,2}}(?:[/.\-]\d{{2,4}})?|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}(?:,? \d{{4}})?|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?)"
            ),
        ),
        rule(
            Kind::Birthday,
            &format!(
                r"{{S}}turn(?:ing|ed|s)?(?: [\p{{L}}\d]+)? (?:on |in )?(?:the )?(?<v>\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?)"
            ),
        ),
        rule(Kind::Job, r"{IAM}(?: only| just| both)? (?:an? |the )?(?<v>(?:[\p{L}\-]+ ){0,3}?{JOB})(?:$|[,;.!]| (?:by|at|in|for|here|and|so|who|with|on|from|working|myself|of|but|which)\b)"),
        rule(Kind::Job, r"{IAM} an? (?<v>(?:[\p{L}\-]+ ){0,3}?\p{L}{3,}(?:er|ist|ian|eer|or|ographer|ologist|smith|wright|monger))(?:$|[,;.!]| (?:by trade|by profession|at|in|for|and|so|who|from|working|myself|but)\b)"),
        rule(Kind::Job, r"{S}(?:work|working|worked) (?:[\p{L}\- ]+ )?as (?:an? |the )?{V}"),
        rule(Kind::Job, r"\b(?:my (?:job|work|trade|profession|occupation)(?: is|[’']s)|for a living(?: i)?|by trade(?: i[’']m)?(?: an?)?) {V}"),
        rule(Kind::Job, r"{I} (?<v>(?:drive|teach|run|manage|own|fly|repair|build|design|sell|coach|clean|fix|paint|write|farm|breed|grow) (?:an? |the |my own |our own |for )?(?:[\p{L}\-]+ ){0,3}?[\p{L}\-]+) (?:for a living|for work|professionally|full[- ]time|part[- ]time)"),
        rule(Kind::Job, r"{I} (?:run|manage) (?<v>(?:an?|my own|our own|the family) [^,;.!?]+)"),
        rule(Kind::Job, r"\b(?:being|as) an? (?<v>(?:[\p{L}\-]+ ){0,2}?{JOB}),? (?:i|my|we)\b"),
        rule(Kind::Order, r"\b(?:orders?|tracking|bookings?|parcel|shipment|invoice|reservation|confirmation|pnr|consignment|delivery|purchase|po|receipt|quote)(?: (?:number|no|num|id|code|reference|ref))*\.?(?: is| was|:|=|[’']s)? ?(?<v>{CODE})"),
        rule(Kind::Order, r"(?:^|[,.!] ?)(?<v>(?-i:[A-Z]{2}\d{8,}[A-Z]{0,3}))\b"),
        rule(Kind::Ticket, r"\b(?:ticket|tkt|case|incident|reference|ref|complaint|fault|claim|report|enquiry|inquiry|query|request|rma|log|job|repair|support)(?: (?:number|no|num|id|code|reference|ref|report|request))*\.?(?: is| was|:|=|[’']s)? ?(?<v>{CODE})"),
        rule(Kind::Purchase, r"{S}(?:bought|ordered|purchased|pre-?ordered|picked up|subscribed to|signed up for|renewed|upgraded to|treated myself to|got myself) (?<v>(?:an?|the|some|my|your|this|that|another|one|two|three|four|five|six|seven|eight|nine|ten|a dozen|\d+|(?-i:\p{Lu})) ?[^,;.!?]+)"),
        rule(Kind::Purchase, r"{S}(?:got|had|took|collected|received) (?<v>(?:an?|the|some|my|this|that|another|one|two|three|four|five|six|seven|eight|nine|ten|\d+) [^,;.!?]+?) (?:from you|off you|from your|with you|at your|in your (?:shop|store|sale))"),
        rule(Kind::Purchase, r"(?<v>\b(?:the|my|our|these|those|this|that|both) (?:[\p{L}\d\-’']+ ){1,5}?)(?:that |which )?(?:i|we)(?:[’']ve| have|[’']d| had)?(?: just| only)? (?:bought|ordered|purchased|took out|got from you|got off you|picked up|received from you|chose|had delivered)"),
        rule(Kind::Complaint, r#"^(?:.*(?:[,;.!?:…—–] ?|\b(?:and|but|because|since|sadly|unfortunately|however|though) (?:now |then |also |yet )?))?(?<v>[^,;.!?"]*?\b{TROUBLE}[^,;.!?"]*)"#),
        rule(Kind::Mood, r"\b(?:i[’']m|i am|i feel|i was|we[’']re|we are|feeling|left me|makes me|made me|making me|got me|has me|having me)(?: \p{L}+ly| so| very| a bit| a little| quite| pretty| getting| feeling| just| also| now| beyond| more than| rather| totally| that| too| fair| well| proper)* (?<v>{FEELING})\b"),
        rule(Kind::Mood, r"(?:^|[,;.!…—–-] ?|\b(?:and|but|so) )(?:(?:really|so|absolutely|very|quite|honestly|still|utterly|well|beyond|extremely|super) )*(?<v>(?:not (?:amused|happy|impressed|pleased|best pleased)|furious|fuming|gutted|fed up|livid|disappointed|frustrated|annoyed|heartbroken|devastated|delighted|thrilled|chuffed))\b"),
        rule(Kind::Mood, r"\b(?<v>(?:i[’']ve had|had) enough(?: of (?:this|it))?|(?:drives?|driving) me (?:mad|crazy|nuts|up the wall|round the bend)|(?:can[’']t|cannot) (?:stop smiling|take (?:it|this|much more))|(?:made|makes) my (?:day|week|blood boil)|my patience)\b"),
        rule(Kind::Deadline, r"\b(?:need|needs|needed|must|has to|have to|should|want|wanted|arrive|delivered|deliver|ready|hoping|require|latest)\b[^;!?]*?\b(?<v>(?:before|by|until|till|in time for|ahead of|no later than|not later than) (?:{WHEN}|{EVENT}))"),
        rule(Kind::Deadline, r"\b(?:deadline|latest|cut-?off|due(?: date)?|lease ends|notice ends|contract ends|visa expires|expiry)(?: for \p{L}+)?(?: is|:|[’']s)?(?: on)? (?<v>{WHEN}|{EVENT})"),
        rule(Kind::Deadline, r"\b(?:wedding|party|event|exams?|test|interview|ceremony|concert|conference|competition|graduation|funeral|trip|holiday|race|launch|move|flight|opening|anniversary|birthday)(?:[’']s| is| starts| takes place)? (?:on )?(?<v>{WHEN}),? (?:so|and it|hence|therefore)"),
        rule(Kind::Appointment, r"\b(?:confirmed|fixed|moved|booked|set|scheduled|rescheduled|changed|arranged|agreed|pencilled in|down|slot|in)(?: in)?(?: for| to| on| at|:)? (?<v>{WHEN})"),
        rule(Kind::Appointment, r"(?<v>{WHEN})(?: slot| appointment| for the [^,;.!?]{3,30}| for my [^,;.!?]{3,30}| with [^,;.!?]{3,20})? (?:is|are|works?|suits?|sounds|it is)(?: \p{L}+)? (?:perfect|fine|good|great|confirmed|booked|ok|okay|noted|lovely|then|me)"),
        rule(Kind::Appointment, r"^[^,;.!?:]{3,40}: ?(?<v>{WHEN})"),
        rule(Kind::Appointment, r"\b(?:see you|drop(?:ping)?(?: (?:it|him|her|them|off|by|in|the \p{L}+|my \p{L}+))*|be (?:there|in|over)|be with you|come (?:in|by|over|round)|viewing|eye test|check-?up|haircut|grooming|visit|appointment|pick-?up|collection|service|trial|class|lesson|tour|session|survey|fitting)\b[^,;!?]*?(?<v>{WHEN})"),
        rule(Kind::Preference, r"{S}(?:(?:would |[’']d )?(?:rather|prefer)|fancy|favou?r|opt for|lean towards|stick to|swear by|go for)(?: (?:to )?(?:see|be|sit|stay|have|get|take|go|use|pay|do|keep|come|speak|deal|work|fly|drink|eat|sleep|wear|with|to|for))* {V}"),
        rule(Kind::Preference, r"(?:^|[,;.!] ?)(?<v>[^,;.!?]{3,40}?) for me(?:,? (?:please|always|every time|as always|any day))"),
        rule(Kind::Preference, r"(?:^|[,;.!] ?|\band |\bbut )(?<v>[^,;.!?]{3,40}?) (?:is|are)(?: always| still)? (?:my|our) (?:thing|favou?rites?|go-to|first choice|preference|usual|style|cup of tea)\b"),
        rule(Kind::Preference, r"^(?:as always|as usual|as ever|same as always)\b,? (?:please )?(?:i[’']d like |i[’']ll have |i[’']ll take |give me |with |i like |i want |i ask for |i have )?{V}"),
        rule(Kind::Preference, r"^(?<v>[^,;.!?]{5,60}?),? (?:as always|as usual|as ever)\b"),
        rule(Kind::Preference, r"{S}(?:am|[’']m)? ?(?:big |huge |massive )?(?:fan of|fond of|partial to|into|keen on|mad about|crazy about|a sucker for|obsessed with) {V}"),
        rule(Kind::Preference, r"{I} (?:always|usually|normally|generally|tend to|only ever|only|mostly|typically) (?:pay|order|book|sit|shop|choose|take|buy|drink|eat|go for|use|get|have|ask for|sleep|fly|stay|come|train|work out|wear|pick|read|ride|write|want|do) {V}"),
        rule(Kind::Dislike, r"\b(?:please )?(?:don[’']?t|do not|never|stop)(?: ever| please| just)? (?:put|use|add|include|give|seat|leave|ring|knock|wake|bring|wrap|serve|pack|book|offer|try|sell|upsell|push|suggest|recommend|show)(?:ing)?(?: me| us)? {V}"),
        rule(Kind::Dislike, r"(?:^|[,;.!] ?|\band |\bbut )(?<v>[\p{L}’'\-]+(?: [\p{L}’'\-]+){0,4}?) (?:just )?(?:tastes?|smells?|looks?|feels?|sounds?)(?: too| so| like| of)? [^,;.!?]*\b(?:to|on|for) me\b"),
        rule(Kind::Dislike, r"(?:^|[,;.!] ?|\band |\bbut )(?<v>[\p{L}’'\-]+(?: [\p{L}’'\-]+){0,4}?) (?:is|are)(?: really| just| definitely)? not(?: really| for me| my| something)?(?:$|[,.!;]| thing| style| taste| i)"),
        rule(Kind::Dislike, r"\b(?:please|plz|pls|kindly) no (?:more )?(?<v>(?:[\p{L}\-]+ ){0,3}?[\p{L}\-]+)(?: please| pls| for me| for us| in mine|\s*$|\s*[^\p{L}\d\s\-])"),
        rule(Kind::Dislike, r"\bno (?:more )?(?<v>(?:[\p{L}\-]+ ){0,3}?[\p{L}\-]+) (?:please|pls|for me|for us|in mine)\b"),
        rule(Kind::Dislike, r"(?:{I}|^|[,.!] ?|\b(?:and|but) )(?: ?really| absolutely| simply| just| personally)* ?(?:hate|loathe|despise|dislike|detest|(?:can[’']?t|cannot) (?:stand|bear|abide|tolerate|do with)|am put off by|get put off by|avoid|steer clear of|won[’']t (?:have|touch|use|wear)) (?:the )?{V}"),
        rule(Kind::Dislike, r"\b(?:leave (?:off|out) (?:the |any )?|hold the |skip the |go easy on (?:the )?)(?<v>[\p{L} \-]{3,40})(?:$|[,.!;]| please)"),
        asking(rule(Kind::Dislike, r"\bstop (?:with )?(?:the |these |those |all the |all )(?<v>[\p{L}\- ]{3,40}?)(?:$|[,.!;?]| please| now)")),
        rule(Kind::Dislike, r"(?:^|[,;.!] ?|\b(?:so|but) )not (?:an? |the |on )?(?<v>[^,;.!?]{3,40}?),? (?:please|pls|thanks|if possible)"),
        rule(Kind::Dislike, r"(?:^|[,;.!] ?|\b(?:and|but) )not (?:really |that |at all )?(?:into|keen on|a (?:big )?fan of|fond of|bothered about) {V}"),
        rule(Kind::Dislike, r"(?<v>\b[\p{L}’'\-]+(?: [\p{L}’'\-]+){0,3}) (?:is|are) (?:far |much |way |just )?too \p{L}+ for (?:me|us|my taste)"),
        rule(Kind::Dislike, r"\b(?:i[’']d|i would|we[’']d) rather not (?:have |get |be |use |deal with )?{V}"),
        rule(Kind::Dislike, r"\b(?:without|minus) (?:the |any )?(?<v>[\p{L}\- ]{3,30}?)(?: please| for me)(?:$|[,.!;])"),
        rule(Kind::Need, r"(?:^|[,;.!:] ?|\b(?:so|and|but) )(?<v>[^,;.!?]{3,60}?) (?:is|are|would be|[’']s) (?:a must|essential|(?:exactly )?what (?:i|we)(?:[’']m|[’']re| am| are|[’']d be)? (?:after|looking for|hunting for|need|want)|all (?:i|we) (?:want|need|ask)|a (?:life ?saver|godsend|big help)|what[’']s needed)"),
        rule(Kind::Need, r"(?:^|[,;.!:] ?|\b(?:so|and|but) )(?<v>(?:an?|some|something|somewhere) [^,;.!?]{3,60}?) would be (?:ideal|perfect|great|lovely|(?:very |really )?(?:handy|helpful|useful))"),
        rule(Kind::Need, r"\b(?:i[’']d|i would|we[’']d|we would|would) (?:like|love|want|need|appreciate) (?<v>(?:an?|some|two|three|four|another|one|\d+) [^,;.!?]+)"),
        rule(Kind::Need, r"{S}(?:am |are )?(?:after|in need of|in the market for|on the lookout for|interested in|hoping (?:for|to (?:get|buy|find|book))|keen to (?:get|buy|try)|thinking of (?:getting|buying)|planning to (?:get|buy)|want(?:ing)? to (?:book|buy|order|try|get|hire|rent|set up|open|add|switch to|arrange)|need to (?:book|buy|order|get|hire|rent|replace|find|arrange)|looking (?:for|to (?:buy|book|get|hire|rent|replace|order|find))|hunting for|shopping for|searching for|need|require|want) (?<v>(?:an?|some|two|three|four|another|one|something|someone|somewhere|new|\d+) ?[^,;.!?]+)"),
        asking(rule(Kind::Need, r"\b(?:could|can|would|will|please) (?:you )?(?:please )?(?:find|source|recommend|get|suggest|sort) (?:me|us) (?<v>(?:an?|some|two|another) [^,;.!?]+)")),
        rule(Kind::Device, r"(?:{I}(?:[’']ve)?(?: \p{L}+){0,2}? (?:have|got|own|use|using|drive|ride|run|running|play|playing|on|with|from)|{I}[’']ve|{IAM} (?:on|using|running|driving)|\bmy|\bour|\bmine(?:[’']s| is)|\b(?:the|my|our) [\p{L} ]{2,20}?(?: here| at home| in the \p{L}+)? (?:is|are)|\bit[’']s|^running|^using|^got|\bon my|\bfrom my)(?: (?:an?|the|my|our|old|new|trusty|little|second-?hand|used|\p{L}+ish|\d+[- ]year[- ]old|still|also|currently|working|running|ancient))* (?<v>(?:(?:19|20)\d\d )?{BRAND}\b(?:[ \-](?:(?-i:[\p{Lu}\d][\p{L}\d\-+]*)|pro|max|plus|mini|air|ultra|estate|hatchback|saloon|hybrid))*)"),
        rule(Kind::Device, r"\b(?:my|our) (?:old |new |trusty |little |\d{4} )?(?<v>(?-i:[A-Z][a-z]+[A-Z\d][\w\-]*|[A-Z][\p{L}]*[- ]?\d[\w\-]*)(?: (?-i:[\p{Lu}\d])[\p{L}\d\-]*)*)"),
        rule(Kind::Device, r"(?:{I}(?:[’']ve)?|{IAM}|\bon)\b(?: \p{L}+)?(?: have| got| own| use| using| drive| running)? (?:an? |the |my )(?<v>(?-i:\p{Lu})[\p{L}\-]+(?: (?-i:\p{Lu})[\p{L}\-]+)? (?-i:[\p{Lu}]*)\d[\p{L}\d\-]*)"),
        rule(Kind::Device, r"\bin my (?<v>(?-i:\p{Lu}\p{Ll}{3,}))(?:$|[,.!;])"),
    ]
    .into()
}

fn agent() -> Vec<Rule> {
    [
        rule(Kind::Promise, r"\b(?:i|we|our \p{L}+|they|my colleague|the workshop)(?:[’']ll| will| shall|[’']m going to|[’']re going to| are going to| am going to)(?: then| also| now)? {V}"),
        rule(Kind::Promise, r"{I} promise (?:you |to |that )?{V}"),
        rule(Kind::Promise, r"\b(?:you(?:[’']ll| will)|your (?:refund|money|parcel|order|replacement|voucher) (?:will|goes)) (?<v>(?:get|receive|have|hear|be|arrive|out)\b[^,;.!?]+)"),
        rule(Kind::Promise, r"\blet me (?<v>(?:check|ask|find out|arrange|look into)\b[^,;.!?]*(?:back to you|let you know|call you|update you)[^,;.!?]*)"),
        rule(Kind::Promise, r"{I}(?:[’']m|[’']re| am| are) (?:now |just |already )?(?<v>(?:sending|arranging|booking|putting|refunding|issuing|crediting|waiving|upgrading|posting|shipping|escalating|passing|reserving|holding|setting|replacing|sorting|moving|extending|transferring)\b[^,;.!?]+)"),
        rule(Kind::Promise, r"\ban? (?:new |replacement )?\p{L}+(?: \p{L}+)? (?<v>(?:goes out|is on its way|will be sent|will go out)\b[^,;.!?]*)"),
        rule(Kind::Promise, r"(?<v>\b(?:the|your|an?|our) [^,;.!?]*? (?:will|shall) (?:now )?(?:be|go|arrive|reach|come|call|ring|contact|get)\b[^,;.!?]*)"),
    ]
    .into()
}

pub(super) static SHEET: LazyLock<Sheet> = LazyLock::new(|| {
    Sheet {
        customer: Rules::new(customer()),
        agent: Rules::new(agent()),
        endings: [
            r"\b(?:i|we)(?:[’']m|[’']re| am| are)? no longer (?:really )?(?:(?:like|love|enjoy|prefer|want|need|eat|drink|have|own|use|drive|ride|live in|live at|work as|work at|work for|speak|looking for|allergic to|into|keen on|using|on) )?(?:an? |the |my |our )?(?<v>[^,;.!?]+)",
            r"\b(?:i|we) (?:don[’']?t|do not|can[’']?t) (?:really )?(?:like|love|enjoy|prefer|want|need|eat|drink|have|own|use|drive|ride|live in|live at|work as|work at|work for) (?:an? |the |my |our )?(?<v>[^,;.!?]+?) (?:any ?more|any longer)\b",
            r"\b(?:i[’']m|i am|we[’']re|we are) not (?:an? |allergic to |into |on |in )?(?<v>[^,;.!?]+?) (?:any ?more|any longer)\b",
            r"\b(?:i|we)(?:[’']ve| have)? (?:gone off|went off|stopped (?:eating|drinking|using|taking|buying|wearing|liking)|quit) (?:the |my )?(?<v>[^,;.!?]+)",
            r"\b(?:i|we)(?:[’']ve| have)?(?: just)? (?:sold|got rid of|gave away|given away|scrapped|traded in) (?:my|our|the) (?:old )?(?<v>[^,;.!?]+)",
        ]
        .into_iter()
        .map(compiled)
        .collect(),
        gate: Gate {
            supposed: compiled(
                r"\b(?:were (?:it|i|we|my)|had i|if|suppose|supposing|imagine|unless|in case|let[’']s say|might|maybe|perhaps|i wish (?:i|it|you|there|we|they)|wonder|hypothetically|could be|would be|one day|assuming|pretend)\b",
            ),
            bygone: compiled(
                r"\b(?:(?:ages|years|decades|a lifetime) ago|long (?:ago|over|gone)|as a (?:kid|child|boy|girl|student|teenager)|when i was (?:small|young|little|younger|a \p{L}+|at \p{L}+)|once upon a time|back in the day|in the (?:seventies|eighties|nineties|noughties)|grew out of)\b",
            ),
            own: compiled(r"\b(?:i|we)(?:[’'](?:m|d|ve|ll|re))?\b"),
            until: compiled(r"\b(?:before|by|until|till|last|past|since|every|each)\s*(?:the )?$"),
            over: compiled(
                r"\b(?:used to|sold (?:my|our|the|it)|gave away|got rid of|traded in|scrapped|no longer|not anymore|previously|formerly|back then)\b",
            ),
            others: compiled(&format!(
                r"\b(?:he|she|his|her|hers|they|their|someone|somebody|people|everyone|everybody)\b|{PEOPLE}"
            )),
            people: compiled(PEOPLE),
            quoted: compiled(
                r"\b(?:you|your \p{L}+|the (?:assistant|bot|agent|chatbot|website)|according to)(?: just| once)? (?:said|told|wrote|claimed|promised|says|mentioned|your|the)\b|^according to\b|\b(?:(?:he|she|they) (?:said|says|told|reckons?)|i (?:heard|read|saw)|apparently|reportedly|reviews? sa(?:y|id)|they say|rumou?r|word is|the (?:review|blog|article|post|video|page|site|label|box|manual|leaflet|sign|ad|advert|poster|brochure) (?:says|said|reads|claims|mentions))\b",
            ),
            asks: compiled(
                r"^\s*(?:and |but |so |also |then |ok |hi |hello )*(?:do|does|did|is|are|was|were|(?:can|could|shall|should|may|might)\s|(?:am|will|would|has|have|had) (?:i|you|we|he|she|they|it|the|this|that|these|there|your|my|our|any\p{L}*|some\p{L}*|people|an?)|what|where|when|who|whom|whose|which|why|how)(?:\b|$)",
            ),
            secret: compiled(
                r"\b(?:password|passwort|passcode|passphrase|pin(?: code)?(?: is|:)|cvv|cvc|card number|credit card|debit card|iban|passport|social security|otp|one-time code|verification code|code you sent|security code|login is)\b|\bcard \d",
            ),
        },
        tail: compiled(
            r"\s+(?:but|because|so(?: that)?|when|since|until|please|though|although|which|that i|and (?:i|we|my|it|the|now|hate|love|loves)|if|last (?:week|month|year|night)|these days|right now|now|yesterday|today|in (?:january|february|march|april|may|june|july|august|september|october|november|december|19\d\d|20\d\d)|on (?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)|from (?:you|your)\b|a (?:little|bit)|at the moment|any ?more|any longer|with firmware xx)(?:\s|$).*$|\s+(?:now|please|yesterday|today|haha|lol|thanks|currently)$",
        ),
        no_name: compiled(
            r"^(?:(?:uk|us|eu) ?[\d.]+|(?:mon|tues|wednes|thurs|fri|satur|sun)day.*|jan(?:uary)?|feb(?:ruary)?|march|april|may|june|july|august|september|october|november|december|english|chinese|mandarin|year \d+|form \d+|room.*|unit.*|block.*|level.*|premium.*|gold|silver|christmas|easter|ok|hi|hello|dear|sorry|thanks|yes|no|i|sir|madam|gp|id|ic|pin|wi-?fi|mr|mrs|ms|dr|miss)$",
        ),
        empty: compiled(
            r"^(?:it|this|that|them|one|you|to|a|an|the|help|anything|nothing|everything|something|sorry|just|not|very|here|there|back|an? (?:question|problem|idea|issue|moment|robot|human|look|answer|hand|favou?r|refund|replacement|invoice|receipt)\b.*|(?:ask|know|return|cancel|buy|order|change|get|have|see|check|speak|talk)\b.*|that \p{L}+|problem|worries|idea|rush|hurry|thanks|need|reply|news|doubt|way|chance|issue|trouble|matter|luck|more|longer|wonder|joke|offence|bother|clue|time|change|sign|record|response|it .*|you .*|to .*|how .*|what .*|some (?:help|information|info|advice|time|assistance|support)\b.*|(?:the|your) (?:money|refund|manager|invoice|receipt|status|answer|link|address|number)\b.*)$",
        ),
    }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        let rules = customer().into_iter().chain(agent()).enumerate();
        let wrong: Vec<usize> = rules.filter(|(_, rule)| !rule.is_written_well()).map(|(i, _)| i).collect();
        assert_eq!(wrong, Vec::<usize>::new());
    }
}
