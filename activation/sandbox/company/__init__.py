from activation.sandbox.company.generator import CompanySummary, generate

__all__ = ["CompanySummary", "generate"]
