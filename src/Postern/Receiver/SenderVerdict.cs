namespace Postern.Receiver;

/// <summary>What the DNS says about the domain of a sender.</summary>
internal enum SenderVerdict
{
    /// <summary>It can receive mail, or there was nothing to check.</summary>
    Accepted,

    /// <summary>It has neither mail exchanger nor address.</summary>
    NotFound,

    /// <summary>The DNS could not be asked.</summary>
    Unknown,

    /// <summary>It says that it never has mail (RFC 7505), so this is not from there.</summary>
    NullMx,
}
