namespace Postern.Core.Spf;

/// <summary>What an evaluation of SPF says (RFC 7208 §2.6).</summary>
public enum SpfResult
{
    /// <summary>The domain publishes no policy, or is not a domain name.</summary>
    None,

    /// <summary>The policy states nothing about this client.</summary>
    Neutral,

    /// <summary>The client may send for the domain.</summary>
    Pass,

    /// <summary>The client may not send for the domain.</summary>
    Fail,

    /// <summary>The client probably may not send for the domain.</summary>
    SoftFail,

    /// <summary>DNS gave no answer: try again later.</summary>
    TempError,

    /// <summary>The policy cannot be evaluated: its syntax is wrong, or it asks for too many look-ups.</summary>
    PermError,
}
