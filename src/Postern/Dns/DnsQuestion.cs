namespace Postern.Dns;

/// <summary>One question of class IN.</summary>
/// <param name="Name">In presentation form, lower case, without a final dot.</param>
public readonly record struct DnsQuestion(string Name, DnsType Type);
