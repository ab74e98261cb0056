package nomenclature

import "github.com/returnpoint/returnpoint/shared/dental"

// serviceKinds is the part of the nomenclature of medical services (order of the
// Russian Ministry of Health 804н of 13 October 2017) that dentists use, by the
// beginnings of codes. In a code "07" stands for mouth and teeth, and the first
// part for what is done: A01-A06 and A12 examine, A16 operates, B01 and B04 are
// appointments. Codes that stand for several things are left to the names.
var serviceKinds = map[string]dental.ProcedureKind{
	// Examinations: of the mouth, X-rays, electric tests, models.
	"A01.07": dental.Diagnostics, "A02.07": dental.Diagnostics, "A03.07": dental.Diagnostics, "A04.07": dental.Diagnostics,
	"A05.07": dental.Diagnostics, "A06.07": dental.Diagnostics, "A12.07": dental.Diagnostics,
	"A06.30.002": dental.Diagnostics, // the description of X-rays

	// Appointments of an orthodontist (063), a children's dentist (064), a
	// therapist, a general dentist or a hygienist (065), a prosthodontist (066), a
	// surgeon (067), a maxillofacial surgeon (068). Only the repeated one of an
	// orthodontist is a step of a treatment.
	"B01.063": dental.Diagnostics, "B01.063.002": dental.Orthodontics,
	"B01.064": dental.Diagnostics, "B01.065": dental.Diagnostics, "B01.066": dental.Diagnostics, "B01.067": dental.Diagnostics, "B01.068": dental.Diagnostics,
	"B04.063": dental.Diagnostics, "B04.064": dental.Diagnostics, "B04.065": dental.Diagnostics,
	"B01.003.004": dental.OtherKind, // anaesthesia

	"A11.07.010": dental.Periodontics, // drugs into a pocket
	"A11.07.012": dental.Hygiene,      // deep fluoridation
	"A11.07.023": dental.Therapy,      // silver
	"A11.07.024": dental.Hygiene,      // remineralisation
	"A11.07.027": dental.Therapy,      // devitalising paste
	"A14.07":     dental.Hygiene,      // care of the mouth, and teaching it

	"A16.07.001": dental.Surgery,      // extraction
	"A16.07.002": dental.Therapy,      // filling
	"A16.07.003": dental.Prosthetics,  // inlay, veneer
	"A16.07.004": dental.Prosthetics,  // crown
	"A16.07.005": dental.Prosthetics,  // bridge
	"A16.07.006": dental.Prosthetics,  // on an implant
	"A16.07.007": dental.Surgery,      // resection of a root's tip
	"A16.07.008": dental.Therapy,      // filling of a canal
	"A16.07.009": dental.Therapy,      // pulpotomy
	"A16.07.010": dental.Therapy,      // extirpation of the pulp
	"A16.07.011": dental.Surgery,      // opening of an inflammation
	"A16.07.012": dental.Surgery,      // and of an abscess
	"A16.07.013": dental.Surgery,      // curettage of a socket
	"A16.07.014": dental.Surgery,      // an abscess of the mouth
	"A16.07.015": dental.Surgery,      // of the face
	"A16.07.016": dental.Surgery,      // a cyst
	"A16.07.017": dental.Surgery,      // the alveolar ridge
	"A16.07.018": dental.Orthodontics, // a ligature of wire
	"A16.07.019": dental.Periodontics, // a temporary splint
	"A16.07.020": dental.Hygiene,      // deposits above and below the gum
	"A16.07.021": dental.Prosthetics,  // the bite, by prostheses
	"A16.07.023": dental.Prosthetics,  // complete denture
	"A16.07.024": dental.Surgery,      // an impacted tooth
	"A16.07.025": dental.Therapy,      // selective grinding
	"A16.07.026": dental.Periodontics, // gingivectomy
	"A16.07.027": dental.Surgery,      // osteotomy
	"A16.07.028": dental.Orthodontics, // orthodontic correction
	"A16.07.030": dental.Therapy,      // preparation of a canal
	"A16.07.031": dental.Therapy,      // filling on a post
	"A16.07.032": dental.Prosthetics,  // crown on a composite core
	"A16.07.033": dental.Prosthetics,  // on a cast one
	"A16.07.034": dental.Prosthetics,
	"A16.07.035": dental.Prosthetics,  // partial denture
	"A16.07.036": dental.Prosthetics,  // clasp denture
	"A16.07.037": dental.Periodontics, // a lasting splint
	"A16.07.038": dental.Periodontics, // open curettage
	"A16.07.039": dental.Periodontics, // closed curettage
	"A16.07.040": dental.Periodontics, // flap operation
	"A16.07.041": dental.Surgery,      // bone grafting
	"A16.07.042": dental.Surgery,      // the frenulum of the upper lip
	"A16.07.043": dental.Surgery,      // of the lower lip
	"A16.07.044": dental.Surgery,      // of the tongue
	"A16.07.045": dental.Surgery,      // vestibuloplasty
	"A16.07.046": dental.Orthodontics, // fixed appliance
	"A16.07.047": dental.Orthodontics, // removable appliance, aligners
	"A16.07.048": dental.Orthodontics, // braces
	"A16.07.049": dental.Prosthetics,  // cementing a prosthesis again
	"A16.07.050": dental.Hygiene,      // whitening
	"A16.07.051": dental.Hygiene,      // professional hygiene
	"A16.07.052": dental.Prosthetics,  // post crown
	"A16.07.053": dental.Prosthetics,  // taking a prosthesis off
	"A16.07.054": dental.Implant,      // the implant
	"A16.07.055": dental.Surgery,      // sinus lift
	"A16.07.057": dental.Hygiene,      // sealing of fissures
	"A16.07.058": dental.Surgery,      // pericoronitis
	"A16.07.059": dental.Surgery,      // hemisection
	"A16.07.082": dental.Therapy,      // grinding of hard tissues
	"A16.07.089": dental.Periodontics, // gingivoplasty
	"A16.07.090": dental.Periodontics, // gingivotomy
	"A16.07.091": dental.Therapy,      // a temporary filling taken out
	"A16.07.092": dental.Therapy,      // trepanation
	"A16.07.093": dental.Therapy,      // a post put in
	"A16.07.094": dental.Therapy,      // and taken out
	"A16.07.095": dental.Surgery,      // bleeding of a socket
	"A16.07.096": dental.Surgery,      // perforation of the sinus
	"A16.07.097": dental.Surgery,      // a suture

	"A22.07.001": dental.Periodontics, // ultrasound in a pocket
	"A22.07.002": dental.Hygiene,      // ultrasound against deposits
	"A23.07.001": dental.Orthodontics, // service of appliances
	"A23.07.002": dental.Prosthetics,  // the laboratory's work
	"A23.07.003": dental.Orthodontics, // fitting of appliances
}

// americanKinds is the Code on Dental Procedures and Nomenclature of the American Dental
// Association, by the beginnings of its codes: its chapters, and what a chapter
// has of another kind.
var americanKinds = map[string]dental.ProcedureKind{
	"D0":  dental.Diagnostics,
	"D1":  dental.Hygiene,      // prevention: cleaning, fluoride, sealants
	"D15": dental.Orthodontics, // space maintainers
	"D17": dental.OtherKind,    // vaccination
	"D2":  dental.Therapy,
	"D25": dental.Prosthetics, "D26": dental.Prosthetics, // inlays and onlays
	"D27":  dental.Prosthetics,                     // crowns
	"D296": dental.Prosthetics,                     // veneers
	"D3":   dental.Therapy,                         // endodontics
	"D341": dental.Surgery, "D342": dental.Surgery, // apicoectomy
	"D4":   dental.Periodontics,
	"D5":   dental.Prosthetics,
	"D6":   dental.Prosthetics,
	"D601": dental.Implant, "D604": dental.Implant, "D6050": dental.Implant, // the body itself
	"D610": dental.Surgery, // its removal, and grafts
	"D7":   dental.Surgery,
	"D8":   dental.Orthodontics,
	"D9":   dental.OtherKind,
	"D911": dental.Therapy,     // relief of pain
	"D931": dental.Diagnostics, // consultation
	"D94":  dental.Diagnostics, // visits
	"D991": dental.Therapy,     // desensitising
	"D994": dental.Prosthetics, // guards
	"D997": dental.Hygiene,     // whitening
}
