namespace Postern.Core.Relay;

/// <summary>What clients may be promised of the servers that they may be handed over to. The daemon keeps it true.</summary>
public sealed class TargetOffer
{
    /// <summary>What every server in use offers; <see cref="EhloOffer.Nothing"/> until that is known.</summary>
    public EhloOffer Current { get; set; } = EhloOffer.Nothing;
}
