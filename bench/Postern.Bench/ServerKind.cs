namespace Postern.Bench;

/// <summary>The two that are compared.</summary>
internal enum ServerKind
{
    /// <summary>The installed postscreen under a Postfix master of its own, with its logger.</summary>
    Postscreen,

    /// <summary>Postern, as published by NativeAOT.</summary>
    Postern,
}
