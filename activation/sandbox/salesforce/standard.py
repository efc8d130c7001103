"""
The standard fields of standard objects, as an org described them to API version 42.0 (recorded).

One field a line: name, type with its size or target, options, label, and the compound field that
it is a part of.  The options are

    r  nobody writes it             c  written at creation only     u  written by updates only
    m  never empty                  d  has a default                x  takes its listed values only
    i  records are matched by it    n  the record's name            -  none of these
"""

from __future__ import annotations

from typing import Any

from activation.sandbox.salesforce.fields import Document, field, picklist_values

_LONG_TEXT = 255

CONTACT = """
MasterRecordId  reference:Contact  r  Master Record ID
AccountId  reference:Account  -  Account ID
LastName  string:80  m  Last Name  @Name
FirstName  string:40  -  First Name  @Name
Salutation  picklist:40  -  Salutation  @Name
Name  string:121  rmn  Full Name
OtherStreet  textarea:255  -  Other Street  @OtherAddress
OtherCity  string:40  -  Other City  @OtherAddress
OtherState  string:80  -  Other State/Province  @OtherAddress
OtherPostalCode  string:20  -  Other Zip/Postal Code  @OtherAddress
OtherCountry  string:80  -  Other Country  @OtherAddress
OtherLatitude  double:18,15  -  Other Latitude  @OtherAddress
OtherLongitude  double:18,15  -  Other Longitude  @OtherAddress
OtherGeocodeAccuracy  picklist:40  x  Other Geocode Accuracy  @OtherAddress
OtherAddress  address  r  Other Address
MailingStreet  textarea:255  -  Mailing Street  @MailingAddress
MailingCity  string:40  -  Mailing City  @MailingAddress
MailingState  string:80  -  Mailing State/Province  @MailingAddress
MailingPostalCode  string:20  -  Mailing Zip/Postal Code  @MailingAddress
MailingCountry  string:80  -  Mailing Country  @MailingAddress
MailingLatitude  double:18,15  -  Mailing Latitude  @MailingAddress
MailingLongitude  double:18,15  -  Mailing Longitude  @MailingAddress
MailingGeocodeAccuracy  picklist:40  x  Mailing Geocode Accuracy  @MailingAddress
MailingAddress  address  r  Mailing Address
Phone  phone:40  -  Business Phone
Fax  phone:40  -  Business Fax
MobilePhone  phone:40  -  Mobile Phone
HomePhone  phone:40  -  Home Phone
OtherPhone  phone:40  -  Other Phone
AssistantPhone  phone:40  -  Asst. Phone
ReportsToId  reference:Contact  -  Reports To ID
Email  email:80  i  Email
Title  string:128  -  Title
Department  string:80  -  Department
AssistantName  string:40  -  Assistant's Name
LeadSource  picklist:40  -  Lead Source
Birthdate  date  -  Birthdate
Description  textarea:32000  -  Contact Description
OwnerId  reference:User  md  Owner ID
LastActivityDate  date  r  Last Activity
LastCURequestDate  datetime  r  Last Stay-in-Touch Request Date
LastCUUpdateDate  datetime  r  Last Stay-in-Touch Save Date
LastViewedDate  datetime  r  Last Viewed Date
LastReferencedDate  datetime  r  Last Referenced Date
EmailBouncedReason  string:255  -  Email Bounced Reason
EmailBouncedDate  datetime  -  Email Bounced Date
IsEmailBounced  boolean  rmd  Is Email Bounced
PhotoUrl  url:255  r  Photo URL
Jigsaw  string:20  -  Data.com Key
JigsawContactId  string:20  r  Jigsaw Contact ID
CleanStatus  picklist:40  x  Clean Status
IndividualId  reference:Individual  -  Individual ID
"""

ACCOUNT = """
MasterRecordId  reference:Account  r  Master Record ID
Name  string:255  mn  Account Name  @Name
Type  picklist:40  -  Account Type
ParentId  reference:Account  -  Parent Account ID
BillingStreet  textarea:255  -  Billing Street  @BillingAddress
BillingCity  string:40  -  Billing City  @BillingAddress
BillingState  string:80  -  Billing State/Province  @BillingAddress
BillingPostalCode  string:20  -  Billing Zip/Postal Code  @BillingAddress
BillingCountry  string:80  -  Billing Country  @BillingAddress
BillingLatitude  double:18,15  -  Billing Latitude  @BillingAddress
BillingLongitude  double:18,15  -  Billing Longitude  @BillingAddress
BillingGeocodeAccuracy  picklist:40  x  Billing Geocode Accuracy  @BillingAddress
BillingAddress  address  r  Billing Address
ShippingStreet  textarea:255  -  Shipping Street  @ShippingAddress
ShippingCity  string:40  -  Shipping City  @ShippingAddress
ShippingState  string:80  -  Shipping State/Province  @ShippingAddress
ShippingPostalCode  string:20  -  Shipping Zip/Postal Code  @ShippingAddress
ShippingCountry  string:80  -  Shipping Country  @ShippingAddress
ShippingLatitude  double:18,15  -  Shipping Latitude  @ShippingAddress
ShippingLongitude  double:18,15  -  Shipping Longitude  @ShippingAddress
ShippingGeocodeAccuracy  picklist:40  x  Shipping Geocode Accuracy  @ShippingAddress
ShippingAddress  address  r  Shipping Address
Phone  phone:40  -  Account Phone
Fax  phone:40  -  Account Fax
AccountNumber  string:40  -  Account Number
Website  url:255  -  Website
PhotoUrl  url:255  r  Photo URL
Sic  string:20  -  SIC Code
Industry  picklist:40  -  Industry
AnnualRevenue  currency:18,0  -  Annual Revenue
NumberOfEmployees  int:8  -  Employees
Ownership  picklist:40  -  Ownership
TickerSymbol  string:20  -  Ticker Symbol
Description  textarea:32000  -  Account Description
Rating  picklist:40  -  Account Rating
Site  string:80  -  Account Site
OwnerId  reference:User  md  Owner ID
LastActivityDate  date  r  Last Activity
LastViewedDate  datetime  r  Last Viewed Date
LastReferencedDate  datetime  r  Last Referenced Date
Jigsaw  string:20  -  Data.com Key
JigsawCompanyId  string:20  r  Jigsaw Company ID
CleanStatus  picklist:40  x  Clean Status
AccountSource  picklist:40  -  Account Source
DunsNumber  string:9  -  D-U-N-S Number
Tradestyle  string:255  -  Tradestyle
NaicsCode  string:8  -  NAICS Code
NaicsDesc  string:120  -  NAICS Description
YearStarted  string:4  -  Year Started
SicDesc  string:80  -  SIC Description
DandbCompanyId  reference:DandBCompany  -  D&B Company ID
OperatingHoursId  reference:OperatingHours  -  Operating Hour ID
"""

LEAD = """
MasterRecordId  reference:Lead  r  Master Record ID
LastName  string:80  m  Last Name  @Name
FirstName  string:40  -  First Name  @Name
Salutation  picklist:40  -  Salutation  @Name
Name  string:121  rmn  Full Name
Title  string:128  -  Title
Company  string:255  m  Company
Street  textarea:255  -  Street  @Address
City  string:40  -  City  @Address
State  string:80  -  State/Province  @Address
PostalCode  string:20  -  Zip/Postal Code  @Address
Country  string:80  -  Country  @Address
Latitude  double:18,15  -  Latitude  @Address
Longitude  double:18,15  -  Longitude  @Address
GeocodeAccuracy  picklist:40  x  Geocode Accuracy  @Address
Address  address  r  Address
Phone  phone:40  -  Phone
MobilePhone  phone:40  -  Mobile Phone
Fax  phone:40  -  Fax
Email  email:80  i  Email
Website  url:255  -  Website
PhotoUrl  url:255  r  Photo URL
Description  textarea:32000  -  Description
LeadSource  picklist:40  -  Lead Source
Status  picklist:40  md  Status
Industry  picklist:40  -  Industry
Rating  picklist:40  -  Rating
AnnualRevenue  currency:18,0  -  Annual Revenue
NumberOfEmployees  int:8  -  Employees
OwnerId  reference:Group/User  md  Owner ID
IsConverted  boolean  cmd  Converted
ConvertedDate  date  r  Converted Date
ConvertedAccountId  reference:Account  r  Converted Account ID
ConvertedContactId  reference:Contact  r  Converted Contact ID
ConvertedOpportunityId  reference:Opportunity  r  Converted Opportunity ID
IsUnreadByOwner  boolean  md  Unread By Owner
LastActivityDate  date  r  Last Activity
LastViewedDate  datetime  r  Last Viewed Date
LastReferencedDate  datetime  r  Last Referenced Date
Jigsaw  string:20  -  Data.com Key
JigsawContactId  string:20  r  Jigsaw Contact ID
CleanStatus  picklist:40  x  Clean Status
CompanyDunsNumber  string:9  -  Company D-U-N-S Number
DandbCompanyId  reference:DandBCompany  -  D&B Company ID
EmailBouncedReason  string:255  u  Email Bounced Reason
EmailBouncedDate  datetime  u  Email Bounced Date
IndividualId  reference:Individual  -  Individual ID
"""

CAMPAIGN = """
Name  string:80  min  Name
ParentId  reference:Campaign  -  Parent Campaign ID
Type  picklist:40  d  Type
Status  picklist:40  d  Status
StartDate  date  -  Start Date
EndDate  date  -  End Date
ExpectedRevenue  currency:18,0  -  Expected Revenue in Campaign
BudgetedCost  currency:18,0  -  Budgeted Cost in Campaign
ActualCost  currency:18,0  -  Actual Cost in Campaign
ExpectedResponse  percent:10,2  -  Expected Response (%)
NumberSent  double:18,0  -  Num Sent in Campaign
IsActive  boolean  md  Active
Description  textarea:32000  -  Description
NumberOfLeads  int:9  rm  Leads in Campaign
NumberOfConvertedLeads  int:9  rm  Converted Leads in Campaign
NumberOfContacts  int:9  rm  Contacts in Campaign
NumberOfResponses  int:9  rm  Responses in Campaign
NumberOfOpportunities  int:9  rm  Opportunities in Campaign
NumberOfWonOpportunities  int:9  rm  Won Opportunities in Campaign
AmountAllOpportunities  currency:18,0  rm  Value Opportunities in Campaign
AmountWonOpportunities  currency:18,0  rm  Value Won Opportunities in Campaign
OwnerId  reference:User  md  Owner ID
LastActivityDate  date  r  Last Activity
LastViewedDate  datetime  r  Last Viewed Date
LastReferencedDate  datetime  r  Last Referenced Date
CampaignMemberRecordTypeId  reference:RecordType  -  Record Type ID
"""

_ACCURACIES = [
    *("Address", "NearAddress", "Block", "Street", "ExtendedZip", "Zip", "Neighborhood", "City"),
    *("County", "State", "Unknown"),
]
_INDUSTRIES = [
    *("Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications"),
    *("Construction", "Consulting", "Education", "Electronics", "Energy", "Engineering"),
    *("Entertainment", "Environmental", "Finance", "Food & Beverage", "Government", "Healthcare"),
    *("Hospitality", "Insurance", "Machinery", "Manufacturing", "Media", "Not For Profit"),
    *("Recreation", "Retail", "Shipping", "Technology", "Telecommunications", "Transportation"),
    *("Utilities", "Other"),
]
_SOURCES = ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"]
_VALUES = {
    "AccountSource": _SOURCES,
    "CleanStatus": [
        *("Matched", "Different", "Acknowledged", "NotFound", "Inactive", "Pending"),
        *("SelectMatch", "Skipped"),
    ],
    "Industry": _INDUSTRIES,
    "LeadSource": _SOURCES,
    "Ownership": ["Public", "Private", "Subsidiary", "Other"],
    "Rating": ["Hot", "Warm", "Cold"],
    "Salutation": ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."],
}
_OF_OBJECT = {
    ("Account", "Type"): [
        *("Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner / Reseller"),
        *("Installation Partner", "Technology Partner", "Other"),
    ],
    ("Campaign", "Type"): [
        *("Conference", "Webinar", "Trade Show", "Public Relations", "Partners"),
        *("Referral Program", "Advertisement", "Banner Ads", "Direct Mail", "Email"),
        *("Telemarketing", "Other"),
    ],
    ("Campaign", "Status"): ["Planned", "In Progress", "Completed", "Aborted"],
    ("Lead", "Status"): [
        *("Open - Not Contacted", "Working - Contacted", "Closed - Converted"),
        "Closed - Not Converted",
    ],
}
_KINDS = {
    "PhotoUrl": "imageurl",
    **dict.fromkeys(("FirstName", "LastName", "Salutation"), "personname"),
}


def standard_fields(sobject: str, table: str) -> list[Document]:
    """Return the fields of a table."""
    return [_field(sobject, *line.split("  ")) for line in table.strip().splitlines()]


def _field(  # noqa: PLR0913, PLR0917 - the parts of a line
    sobject: str, name: str, kind: str, options: str, label: str, compound: str = ""
) -> Document:
    kind, _, size = kind.partition(":")
    given: Document = {
        "createable": not set("ru") & set(options),
        "updateable": not set("rc") & set(options),
        "nillable": "m" not in options,
        "defaultedOnCreate": "d" in options,
        "idLookup": "i" in options,
        "nameField": "n" in options,
        "restrictedPicklist": "x" in options,
        "compoundFieldName": compound.removeprefix("@") or None,
        "permissionable": "m" not in options and compound != "@Name",
        "extraTypeInfo": _KINDS.get(name),
        **_sized(kind, size),
    }
    if name == "Name" and sobject in ("Contact", "Lead"):
        given["extraTypeInfo"] = "personname"
    if kind == "reference":
        given["relationshipName"] = name.removesuffix("Id")
    if kind == "picklist":
        values = _OF_OBJECT.get((sobject, name)) or _VALUES.get(name) or _ACCURACIES
        given["picklistValues"] = picklist_values(values)
        given["defaultValue"] = values[0] if "d" in options else None
    if kind == "boolean":
        given["defaultValue"] = False
    return field(name, kind, label, **given)


def _sized(kind: str, size: str) -> Document:
    """Return what the size of a type says: a target, digits or a length."""
    if kind == "reference":
        targets = size.split("/")
        several = len(targets) > 1
        return {
            "length": 18,
            "referenceTo": targets,
            "namePointing": several,
            "polymorphicForeignKey": several,
        }
    if "," in size:
        precision, scale = size.split(",")
        return {"precision": int(precision), "scale": int(scale)}
    sized: dict[str, Any] = {"digits": int(size)} if kind == "int" else {}
    if kind != "int" and size:
        sized = {"length": int(size)}
    if kind == "textarea":
        sized["extraTypeInfo"] = "plaintextarea"
        if int(size) > _LONG_TEXT:
            sized |= dict.fromkeys(("aggregatable", "filterable", "groupable", "sortable"), False)
    return sized
