"""Words for things that a simulated bin never holds: what the detector learns to answer "no" to."""

_ABSENT = """
accordion actuator airbag airplane alarm album alligator ambulance anchor ant antenna anvil apron aquarium
armchair arrow ashtray avocado axe badge badger bag bagel bagpipe balloon bamboo bandage banjo barbell
barrel barrow basin basket bat bathtub battery beaker bean bear bearing beaver bed bee beetle bell belt
bench bicycle bikini binder binoculars bird biscuit blanket blender blinds boat bollard bone bonnet boot
bracelet bracket brake bread brick briefcase broccoli broom brush bucket buckle buffalo bulb bulldozer
bumper bus bushing butter butterfly button cabbage cabinet cable cactus cage cake calculator calendar camel
camera candle cannon canoe capacitor car card carpet carrot cart cassette castle cat caterpillar cauliflower
celery cello chain chainsaw chair chalk chameleon charger cheese cheetah cherry chess chestnut chicken
chimney chisel chopstick church cigar circuit clamp clarinet clock cloud clover coat cockroach coconut coin
comb compass computer cone conveyor cookie corkscrew corn couch coupling cow crab cracker cradle crane crate
crayon crocodile crow crown crutch cucumber curtain cushion cymbal daisy deer desk diamond diaper dice
dinosaur diode dishwasher dog doll dolphin donkey donut door doorbell dowel dragon drawer dress drill drone
drum duck dumbbell dustpan eagle earphone earring easel eel egg eggplant elephant encoder engine envelope
eraser escalator excavator eyeglasses falcon fan faucet feather fence fern ferry fig filter fish flag
flamingo flange flashlight flute fly fork forklift fountain fox freezer fridge frog funnel fuse garlic
gasket gate gauge gear generator giraffe glacier glasses globe glove glue goat goggles goose gorilla grape
grapefruit grasshopper greenhouse grinder gripper guitar hairbrush hairdryer ham hamburger hammock hamster
handcuff handle hanger harmonica harp hat headphone hedgehog helicopter helmet hen heron hinge hippo hook
horse hose hotdog hourglass hydrant iguana inkwell insect iron jacket jar jeans jeep jellyfish jigsaw
kangaroo kayak kettle key keyboard kite kitten kiwi knife koala ladder ladle lamb lamp lantern laptop latch
lawnmower leaf lemur leopard letter lettuce lever lighter lighthouse lime lion lipstick lizard llama lobster
lock locomotive lollipop magazine magnet mailbox mallet mango manifold map maraca mask matchbox mattress
medal melon menu microphone microscope microwave milk mirror mitten mole monitor monkey moose mop mosquito
moth motor motorcycle mouse muffin multimeter mushroom nail napkin necklace needle nest newspaper notebook
nozzle oar octopus onion oscilloscope ostrich otter oven owl oyster padlock paintbrush painting palette
pallet pan panda pants papaya parachute parrot passport pasta peach peacock peanut pear pelican pen pencil
penguin pepper phone photo piano pickaxe pig pigeon pillow pineapple pipe pistol piston pizza plane plate
pliers plug plum pomegranate pony poster potato printer projector propeller pulley puppet purse puzzle
pyramid rabbit raccoon rack radiator radio radish raft rake raspberry rat razor receipt relay remote
resistor rhino ribbon rice rifle ring rivet robot rocket roller rope rose rotor router rug ruler saddle
sandal sandpaper sandwich satellite saucepan saw saxophone scale scarf scissors scooter scorpion seahorse
seal seashell sensor shark sharpener sheep shelf shell shim ship shirt shoe shovel shower sink skateboard
skeleton skirt skis skull sled sleigh slipper slug snail snake snowman soap sock sofa solenoid spade spatula
speaker spider spinach spindle spool spoon spring squid squirrel stamp stapler star starfish statue
stethoscope stool stove strainer straw strawberry stroller submarine suitcase sunflower sunglasses surfboard
swan sweater swing switch sword syringe table tablet tambourine tank tap tarantula taxi teabag teapot teddy
telescope television tennis tent thermometer thermostat thimble tie tiger tire toad toaster toilet tomato
tongs toolbox toothbrush toothpaste tortoise towel tower toy tractor train trampoline transformer transistor
trash tray treadmill tricycle tripod trolley trombone trophy trousers truck trumpet tulip tuna turbine
turkey turnip turtle tweezers typewriter ukulele umbrella unicycle vacuum valve van vase violin volcano
vulture wagon wallet walnut walrus wardrobe washer wasp watch watermelon welder whale wheel wheelbarrow
wheelchair whistle wig window wolf worm xylophone yacht yarn yogurt zebra zipper zucchini
"""
_ABSENT_PAIRS = """
tennis racket, baseball bat, coffee machine, desk lamp, fire extinguisher, traffic light, stop sign, dining
table, cell phone, hair dryer, teddy bear, wine glass, potted plant, safety vest, hard hat, extension cord,
power drill, soldering iron, allen key, measuring cup, cutting board, frying pan, rolling pin, paper clip,
rubber duck, soccer ball, tennis ball, light bulb, toy car, toy train, water melon, credit card, washing
machine, shopping cart, office chair, rubber band, circuit board, gear wheel, control panel, spray gun,
steel beam, wooden plank, glass pane, plastic bag, garden hose, bow tie, swimming pool, polar bear
"""

ABSENT_WORDS: tuple[str, ...] = (
    *sorted(set(_ABSENT.split())),
    *(pair.strip() for pair in _ABSENT_PAIRS.replace("\n", " ").split(",")),
)

_ONSETS = (
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p ph pl pr qu r "
    "s sc sh sk sl sm sn sp st str t th tr v w x y z"
).split()
_NUCLEI = "a e i o u ai ea ee ie oa oo ou".split()
_CODAS = " b ck d ft g l ll lt m mp n nd ng nk nt p r rd rk rn rt s sh sk ss st t tch th x".split(" ")


def invented_word(rng) -> str:
    """A word that no language needs: pieces that words share must not sound like a known thing by
    themselves.
    """
    syllables = [rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS) for _ in range(rng.integers(1, 4))]
    return "".join(syllables)
